"""The store on S3, of any make that speaks its protocol.

Owns every request about objects. Leans on little: no If-Match, no tags, no notifications, and an
atomic `create` only where a probe has shown that `If-None-Match` is honoured. Refuses to know
credentials and failures (`s3access` next door does), a bucket's rules (`s3bucket`) or what is sent
with an object (`s3object`). The contract it keeps is in `store`.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from pipeline.errors import Missing, StoreUnavailable
from pipeline.model import Entry, Object, Source
from pipeline.s3access import NOT_THERE, S3Access, code_of, connect, missing, speaking
from pipeline.s3bucket import prepare_bucket
from pipeline.s3object import PART, headers, opened, sent, size_of, tag_of
from pipeline.store import DRAFT, Progress

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

__all__ = ["S3Access", "S3Store", "honours_if_none_match", "prepare_bucket"]

# Four at a time fill a line without starving the encoders beside them. "classic" keeps the
# pure-Python client even where the optional native one is installed: one behaviour everywhere.
_TRANSFER = TransferConfig(
    multipart_threshold=PART,
    multipart_chunksize=PART,
    max_concurrency=4,
    preferred_transfer_client="classic",
)
# One request copies up to 5 GB; smaller pieces keep each well under the read timeout.
_COPYING = TransferConfig(
    multipart_threshold=512 << 20,
    multipart_chunksize=256 << 20,
    max_concurrency=4,
    preferred_transfer_client="classic",
)
_AT_ONCE = 8
_BATCH = 1000  # the most keys that DeleteObjects takes
_TRIES = 3

# Swift wants Content-MD5, others never learnt DeleteObjects or stumble over odd keys in its XML.
_NO_BATCHES = frozenset(
    {"InvalidRequest", "MalformedXML", "MethodNotAllowed", "MissingContentMD5", "NotImplemented"}
)
_NO_CONDITIONS = frozenset({"InvalidArgument", "InvalidRequest", "NotImplemented"})


class S3Store:
    """A store on one bucket; to be shared between threads, and carried over a fork."""

    def __init__(self, access: S3Access, bucket: str) -> None:
        """Nothing is asked of the network before the first use."""
        self._access = access
        self._bucket = bucket
        self._made: tuple[int, S3Client] | None = None
        self._clock: tuple[float, float] | None = None

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self._bucket

    @property
    def client(self) -> S3Client:
        """This process's own client: sockets must not be shared with a parent.

        Two threads may both make one at the start, which is harmless; a lock would not be, because
        a fork can happen while another thread holds it.
        """
        made = self._made
        if made is None or made[0] != os.getpid():
            self._made = made = (os.getpid(), connect(self._access))
            made[1].meta.events.register("after-call.s3", self._read_clock)
        return made[1]

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Every object, sorted here: SeaweedFS sorts folder by folder, not by key.

        Folder markers, which some clients leave (keys ending in a slash), are passed over.
        """
        with self._speaking():
            pages = self.client.get_paginator("list_objects_v2")
            found = [
                _entry(
                    facts["Key"], facts["ETag"], facts["Size"], facts["LastModified"].timestamp()
                )
                for page in pages.paginate(Bucket=self._bucket, Prefix=prefix)
                for facts in page.get("Contents", ())
                # SeaweedFS reads "a//" as "a/"; no key of another prefix may slip in.
                if facts["Key"].startswith(prefix) and not _is_hidden(facts["Key"])
            ]
        yield from sorted(found, key=lambda entry: entry.key.encode())

    def stat(self, key: str) -> Entry | None:
        """What lies there, or None."""
        try:
            with self._finding(key):
                facts = self.client.head_object(Bucket=self._bucket, Key=key)
        except Missing:
            return None
        return _entry(key, facts["ETag"], facts["ContentLength"], facts["LastModified"].timestamp())

    def read(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """`length` bytes from `start`, by HTTP range; raises `Missing`."""
        whole = start == 0 and length is None
        last = "" if length is None else start + max(length, 1) - 1
        window = {} if whole else {"Range": f"bytes={start}-{last}"}
        with self._speaking(key):
            try:
                data = self._get(key, window)
            except ClientError as error:
                if code_of(error) not in ("InvalidRange", "416"):
                    raise
                return b""  # nothing lies behind the end
        return data if length is None else data[:length]

    def _get(self, key: str, window: Mapping[str, Any]) -> bytes:
        answer = self.client.get_object(Bucket=self._bucket, Key=key, **window)
        with contextlib.closing(answer["Body"]) as body:
            return body.read()

    @contextlib.contextmanager
    def local(self, key: str, folder: Path, *, on_bytes: Progress | None = None) -> Iterator[Path]:
        """A copy in `folder`, named by identity and downloaded once; raises `Missing`."""
        for _ in range(_TRIES):
            entry = self._require(key)
            path = folder / _local_name(entry)
            if _has_size(path, entry.bytes) or self._download(entry, path, on_bytes):
                break
        else:
            raise StoreUnavailable("The file kept changing while it was read.", evidence=key)
        yield path

    def is_local(self, source: Source, folder: Path) -> bool:
        """True where a copy of this state of the object was left in `folder`."""
        return _has_size(folder / _local_name(source), source.bytes)

    def _download(self, entry: Entry, path: Path, on_bytes: Progress | None) -> bool:
        """Fetch into place; False if other bytes came to lie there meanwhile."""
        folder = path.parent
        draft = folder / f"{DRAFT}{secrets.token_hex(8)}"
        try:
            with self._finding(entry.key):
                folder.mkdir(parents=True, exist_ok=True)
                self.client.download_file(
                    self._bucket, entry.key, str(draft), Callback=on_bytes, Config=_TRANSFER
                )
            if not _has_size(draft, entry.bytes) or self._require(entry.key) != entry:
                return False
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        return True

    def _require(self, key: str) -> Entry:
        entry = self.stat(key)
        if entry is None:
            raise missing(key)
        return entry

    def put(self, item: Object, *, on_bytes: Progress | None = None) -> Entry:
        """Write or replace; a large file goes in parts, side by side."""
        item = sent(item)
        size = size_of(item.body)
        with self._speaking(item.key):
            if isinstance(item.body, Path) and size >= PART:
                self.client.upload_file(
                    str(item.body),
                    self._bucket,
                    item.key,
                    ExtraArgs=headers(item.media_type, item.cache),
                    Callback=on_bytes,
                    Config=_TRANSFER,
                )
                return self._require(item.key)
            answer = self._put_object(item)
        if on_bytes:
            on_bytes(size)
        return _entry(item.key, answer["ETag"], size, self.now())

    def _put_object(self, item: Object, **conditions: str) -> Mapping[str, Any]:
        served: dict[str, Any] = headers(item.media_type, item.cache, item.encoding) | conditions
        with opened(item.body) as body:
            return self.client.put_object(
                Bucket=self._bucket,
                Key=item.key,
                Body=body,
                **served,
            )

    def create(self, item: Object) -> bool:
        """Write unless something lies there; atomic where the store has conditional writes."""
        if self._is_conditional:
            return self.put_new(item)
        if self.stat(item.key) is not None:
            return False
        self.put(item)
        return True

    @functools.cached_property
    def _is_conditional(self) -> bool:
        return honours_if_none_match(self)

    def put_new(self, item: Object) -> bool:
        """Write on condition that nothing lies there; False where the store says that it does."""
        item = sent(item)
        with self._speaking(item.key):
            for _ in range(_TRIES):
                try:
                    self._put_object(item, IfNoneMatch="*")
                except ClientError as error:
                    if code_of(error) in ("PreconditionFailed", "412"):
                        return False
                    if code_of(error) != "ConditionalRequestConflict":
                        raise
                else:
                    return True
        raise StoreUnavailable("The store is busy with the same file.", evidence=item.key)

    def copy(self, source: str, key: str, *, media_type: str, cache: str = "") -> None:
        """Copy within the store, in parts where it is large; raises `Missing`."""
        with self._finding(source):
            # Replacing headers drops them all, and without this one the bytes are another thing.
            facts = self.client.head_object(Bucket=self._bucket, Key=source)
            kept = headers(media_type, cache, facts.get("ContentEncoding", ""))
            self.client.copy(
                {"Bucket": self._bucket, "Key": source},
                self._bucket,
                key,
                ExtraArgs={"MetadataDirective": "REPLACE", **kept},
                Config=_COPYING,
            )

    def delete(self, keys: Iterable[str]) -> None:
        """Remove in batches, and one by one what a batch would not take."""
        left = iter(keys)
        while batch := tuple(itertools.islice(left, _BATCH)):
            with self._speaking():
                for key in self._delete_batch(batch):
                    self.client.delete_object(Bucket=self._bucket, Key=key)

    def _delete_batch(self, keys: tuple[str, ...]) -> Iterable[str]:
        """Remove keys in one request; returns those it did not take."""
        listed = [{"Key": key} for key in keys]
        try:
            answer = self.client.delete_objects(
                Bucket=self._bucket,
                Delete={"Objects": listed, "Quiet": True},  # type: ignore[typeddict-item]
            )
        except ClientError as error:
            if code_of(error) in _NO_BATCHES:
                return keys
            raise
        return [e["Key"] for e in answer.get("Errors", ()) if e.get("Code") not in NOT_THERE]

    def sync(self, objects: Iterable[Object]) -> tuple[str, ...]:
        """Write what differs; pointers one by one, what lies between them side by side."""
        items = tuple(objects)
        there = self._etags(item.key for item in items)
        changed = [item for item in items if there.get(item.key) != tag_of(sent(item).body)]
        for is_pointer, run in itertools.groupby(changed, key=_is_pointer):
            if is_pointer:
                for item in run:
                    self.put(item)
            else:
                self._put_side_by_side(run)
        return tuple(item.key for item in changed)

    def _put_side_by_side(self, items: Iterable[Object]) -> None:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(self.put, items):
                pass  # raises here what went wrong there

    def _etags(self, keys: Iterable[str]) -> dict[str, str]:
        """Entity tags of keys: one LIST for each top folder, however many keys it has."""
        found: dict[str, str] = {}
        for _, group in itertools.groupby(sorted(keys), key=_top):
            wanted = set(group)
            prefix = os.path.commonprefix(tuple(wanted))  # noqa: RUF071 - S3's are of characters
            for entry in self.list(prefix):
                if entry.key in wanted:
                    found[entry.key] = entry.identity.rpartition("-")[0]
        return found

    def holds(self, item: Object) -> bool:
        """True where the object's entity tag is that of these bytes, sent as we send them."""
        there, body = self.stat(item.key), sent(item).body
        return there is not None and there.identity == f"{tag_of(body)}-{size_of(body)}"

    def now(self) -> float:
        """The clock of the store, from the Date of its last answer."""
        if self._clock is None:
            self._require_bucket()
        server, at = self._clock or (time.time(), time.monotonic())
        return server + time.monotonic() - at

    def _read_clock(self, parsed: Mapping[str, Any], **_: object) -> None:
        date = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
        with contextlib.suppress(ValueError):
            self._clock = (parsedate_to_datetime(date).timestamp(), time.monotonic())

    def _speaking(self, key: str = "") -> contextlib.AbstractContextManager[None]:
        return speaking(self._bucket, key)

    @contextlib.contextmanager
    def _finding(self, key: str) -> Iterator[None]:
        """Where HEAD says 404, tell a missing object from a missing bucket."""
        try:
            with self._speaking(key):
                yield
        except Missing:
            self._require_bucket()
            raise

    def _require_bucket(self) -> None:
        with self._speaking():
            self.client.head_bucket(Bucket=self._bucket)


def honours_if_none_match(store: S3Store) -> bool:
    """Try with a throw-away key whether `create` can be atomic; some makes ignore the condition."""
    probe = Object(key=f"{DRAFT}{secrets.token_hex(8)}", body=b"", media_type="text/plain")
    try:
        return store.put_new(probe) and not store.put_new(probe)
    except StoreUnavailable as error:
        if code_of(error) not in _NO_CONDITIONS:
            raise
        return False
    finally:
        store.delete([probe.key])


def _entry(key: str, tag: str, size: int, modified: float) -> Entry:
    return Entry(key=key, bytes=size, identity=f"{tag.strip(chr(34))}-{size}", modified=modified)


def _is_hidden(key: str) -> bool:
    return key.endswith("/") or key.rpartition("/")[2].startswith(DRAFT)


def _is_pointer(item: Object) -> bool:
    return item.key.endswith((".html", ".json"))


def _top(key: str) -> str:
    """What keys are listed together: their first folder, or a key of the root alone."""
    top, slash, _ = key.partition("/")
    return top + slash


def _local_name(entry: Entry | Source) -> str:
    """A file name that stands for the bytes; the extension helps tools that look at it."""
    suffix = re.search(r"\.[A-Za-z0-9]{1,8}$", entry.key)
    name = hashlib.sha256(entry.identity.encode()).hexdigest()[:32]
    return name + (suffix.group().lower() if suffix else "")


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False
