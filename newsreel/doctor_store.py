"""The doctor's checks of the object store: what we may do in it, and what strangers may.

Owns trying every bucket as ourselves and the published one as an embed in a foreign page would.
Refuses to leave anything behind: each trial object is removed again. `newsreel.doctor` has the
other checks.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import secrets
import ssl
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from email.message import Message
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from config.settings import Settings
from pipeline.errors import NewsreelError
from pipeline.model import Object
from pipeline.s3store import S3Store

# Captions are what embeds fetch most strictly: cross-origin, with a type that must be right.
_BODY = b"WEBVTT\n\n00:00.000 --> 00:01.000\nNewsreel's doctor\n"
_TYPE = "text/vtt; charset=utf-8"
_ENCODING: Final = "gzip"  # that of the pages' scripts and styles

# Signed requests are refused at 15 minutes; long before that, leases and schedules go wrong.
_SKEW_S = 60

_PATIENCE_S = 15

_BROWSERS: Final = MappingProxyType({"Accept-Encoding": "gzip, deflate, br"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding: well (`ok`) with a detail, or not, with what to do about it."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What a stranger got; status 0 stands for no answer at all."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def not_configured(name: str, setting: str) -> Check:
    """The finding on something that only the stack needs and that nobody has asked for."""
    told = f"not configured: needed only for the stack; it would be {setting}"
    return Check(name=name, ok=True, detail=told)


def looks(settings: Settings) -> Iterator[Check]:
    """Every check of the store; the first bucket that fails ends the looks into that bucket."""
    if not settings.has_store:
        yield not_configured("object store", "s3_endpoint (NEWSREEL_S3_ENDPOINT)")
        return
    yield from _clock(settings)
    for bucket in (settings.bucket_ingest, settings.bucket_work, settings.bucket_published):
        yield from _bucket(settings, bucket)


def _clock(settings: Settings) -> Iterator[Check]:
    try:
        skew = abs(S3Store(settings.s3_access(), settings.bucket_ingest).now() - time.time())
    except NewsreelError as error:
        yield Check(name="clock", ok=False, detail=error.public, remedy="See the buckets below.")
        return
    yield Check(
        name="clock",
        ok=skew <= _SKEW_S,
        detail=f"{skew:.0f} s from the store's.",
        remedy="Let this machine and the store set their clocks by the network (NTP).",
    )


def _bucket(settings: Settings, bucket: str) -> Iterator[Check]:
    """Try a bucket as ourselves, then as a stranger."""
    store = S3Store(settings.s3_access(), bucket)
    # Hidden names are no posts: the scan passes them over.
    key = f".newsreel-doctor/{secrets.token_hex(8)}.vtt"
    plain = Object(key=key, body=_BODY, media_type=_TYPE, cache="no-store")
    packed = replace(plain, key=_packed(key), encoding=_ENCODING)
    try:
        with _trial(store, plain), _trial(store, packed):
            yield from _as_strangers(settings, bucket, key)
    except NewsreelError as error:
        yield Check(
            name=f"bucket {bucket}",
            ok=False,
            detail=error.public,
            remedy="It must exist, and our key must be allowed to list, read, write and delete.",
        )
    else:
        yield Check(name=f"bucket {bucket}", ok=True, detail="written, read and deleted")


@contextlib.contextmanager
def _trial(store: S3Store, item: Object) -> Iterator[None]:
    """An object that is there within the context, written and read by us."""
    store.put(item)
    try:
        store.read(item.key)
        yield
    finally:
        store.delete([item.key])


def _packed(key: str) -> str:
    """Where the same lies once more, compressed."""
    return key.replace(".vtt", "-packed.vtt")


# --- as strangers ----------------------------------------------------------------------------


def _as_strangers(settings: Settings, bucket: str, key: str) -> Iterator[Check]:
    if bucket == settings.bucket_published:
        yield from _public(settings, f"{settings.public_url}/{key}")
        yield _unpacked(_get(settings, f"{settings.public_url}/{_packed(key)}", _BROWSERS))
    else:
        yield _closed(settings, bucket, key)


def _closed(settings: Settings, bucket: str, key: str) -> Check:
    answer = _get(settings, f"{_own_address(settings, bucket)}/{key}")
    return Check(
        name=f"bucket {bucket} is private",
        ok=answer.status != HTTPStatus.OK,
        detail="strangers are refused" if answer.status != HTTPStatus.OK else "anyone can read it.",
        remedy="Remove the policy or anonymous identity that opens it.",
    )


def _own_address(settings: Settings, bucket: str) -> str:
    """A bucket's address at the store itself, whatever the public sees."""
    if not settings.s3_endpoint:
        return f"https://{bucket}.s3.{settings.s3_region}.amazonaws.com"
    parts = urlsplit(settings.s3_endpoint)
    if settings.s3_addressing == "virtual":
        return parts._replace(netloc=f"{bucket}.{parts.netloc}").geturl()
    return f"{settings.s3_endpoint}/{bucket}"


def _public(settings: Settings, url: str) -> Iterator[Check]:
    """What an embed in a foreign page needs of the published bucket."""
    plain = _get(settings, url)
    yield _readable(plain, settings.public_url)
    if plain.status != HTTPStatus.OK:
        return
    yield _typed(plain)
    yield _ranged(_get(settings, url, {"Range": "bytes=2-5"}))
    yield _cross_origin(_get(settings, url, {"Origin": "null"}))
    yield _indifferent(_get(settings, f"{url}?format=json&url=https%3A%2F%2Fexample.org&dnt=1"))


def _readable(answer: _Answer, address: str) -> Check:
    right = answer.status == HTTPStatus.OK and answer.body == _BODY
    got = f"status {answer.status}" if answer.status else "no answer"
    return Check(
        name="published: everyone can read",
        ok=right,
        detail=address if right else f"{address} gives {got}.",
        remedy="base_url (NEWSREEL_BASE_URL) must be the published bucket's public address, and "
        "the bucket's policy must allow s3:GetObject to everyone.",
    )


def _typed(answer: _Answer) -> Check:
    kept = answer.headers.get("content-type", "")
    return Check(
        name="published: types are kept",
        ok=kept.replace(" ", "").lower() == _TYPE.replace(" ", ""),
        detail=f"text/vtt comes as {kept or 'nothing'}.",
        remedy="The store or a proxy before it must pass Content-Type on as it was uploaded.",
    )


def _ranged(answer: _Answer) -> Check:
    return Check(
        name="published: parts can be fetched",
        ok=answer.status == HTTPStatus.PARTIAL_CONTENT and answer.body == _BODY[2:6],
        detail=f"a Range request gets status {answer.status}.",
        remedy="Seeking needs 206: a proxy before the store must pass Range on.",
    )


def _cross_origin(answer: _Answer) -> Check:
    allowed = answer.headers.get("access-control-allow-origin", "")
    return Check(
        name="published: other pages can fetch",
        ok=allowed in ("*", "null"),
        detail=f"a sandboxed page (Origin: null) is answered {allowed or 'nothing'}.",
        remedy="Set a CORS rule for GET and HEAD from every origin (docs/deploying.md).",
    )


def _indifferent(answer: _Answer) -> Check:
    return Check(
        name="published: odd addresses work",
        ok=answer.status == HTTPStatus.OK and answer.body == _BODY,
        detail=f"unknown query parameters get status {answer.status}.",
        remedy="Blogs add their own (oEmbed): a proxy before the store must drop them.",
    )


def _unpacked(answer: _Answer) -> Check:
    """Whether a browser gets the plain bytes in the end; a proxy may have decoded them before."""
    told = answer.headers.get("content-encoding", "")
    body = _gunzipped(answer.body) if told == _ENCODING else answer.body
    return Check(
        name="published: encodings are kept",
        ok=body == _BODY,
        detail=f"what is stored compressed comes as {told or 'plain'}.",
        remedy="The store or a proxy before it must pass Content-Encoding on as it was uploaded.",
    )


def _gunzipped(body: bytes) -> bytes:
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return b""


def _get(
    settings: Settings, url: str, headers: Mapping[str, str] = MappingProxyType({})
) -> _Answer:
    """GET without credentials, as a browser would."""
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - a checked setting
    context = ssl.create_default_context(cafile=settings.s3_ca_bundle or None)
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_S, context=context) as answer:  # noqa: S310
            return _Answer(status=answer.status, headers=_lower(answer.headers), body=answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return _Answer(status=error.code, headers=_lower(error.headers), body=b"")
    except (OSError, http.client.HTTPException):
        return _Answer(status=0, headers={}, body=b"")


def _lower(headers: Message) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}
