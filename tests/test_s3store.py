"""What only a store on S3 has to keep to, mostly tried on a real server."""

from __future__ import annotations

import gzip
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
)
from conftest import S3Server, asked

from pipeline import s3object
from pipeline.errors import DiskFull, StoreUnavailable
from pipeline.model import Object, Source
from pipeline.s3store import S3Access, S3Store, honours_if_none_match, prepare_bucket
from pipeline.store import DRAFT

integration = pytest.mark.integration

SECRET = "a-very-secret-key"
NOWHERE = S3Access(endpoint="http://127.0.0.1:9", access_key="key", secret_key=SECRET, attempts=1)


def thing(key: str, body: bytes | Path = b"bytes") -> Object:
    """An object whose headers do not matter."""
    return Object(key=key, body=body, media_type="text/plain")


def client_error(code: str, operation: str = "GetObject") -> ClientError:
    """What botocore raises when S3 answers with this code."""
    return ClientError({"Error": {"Code": code, "Message": f"about {code}"}}, operation)


@integration
@pytest.mark.parametrize("size", [3, 9 << 20], ids=["small", "in parts"])
def test_headers_are_served_as_given(public_s3: S3Store, tmp_path: Path, size: int) -> None:
    """Content type and cache rule reach the browser exactly, however the bytes were sent."""
    file = tmp_path / "file"
    file.write_bytes(b"x" * size)
    rule = "public, max-age=60, stale-while-revalidate=600"
    kind = "text/vtt; charset=utf-8"
    public_s3.put(Object(key="a/ñ.vtt", body=file, media_type=kind, cache=rule))
    public_s3.copy(
        "a/ñ.vtt", "b.m3u8", media_type="application/vnd.apple.mpegurl", cache="no-store"
    )
    status, headers, body = asked(public_s3, "a/ñ.vtt")
    assert (status, len(body)) == (200, size)
    assert (headers["Content-Type"], headers["Cache-Control"]) == (kind, rule)
    _, headers, body = asked(public_s3, "b.m3u8")
    assert headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert (headers["Cache-Control"], len(body)) == ("no-store", size)


@integration
@pytest.mark.parametrize("form", ["bytes", "file"])
def test_compressed_objects_say_so(public_s3: S3Store, tmp_path: Path, form: str) -> None:
    """Type, cache rule and encoding reach the browser, and so they do from a copy."""
    text = b"let again = 'and again';" * 500_000  # plain, it would go in parts
    file = tmp_path / "file.js"
    file.write_bytes(text)
    kind, rule = "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"
    script = Object(
        key="_p/1/a.js",
        body=file if form == "file" else text,
        media_type=kind,
        cache=rule,
        encoding="gzip",
    )
    kept = public_s3.put(script)
    public_s3.copy("_p/1/a.js", "b.js", media_type=kind, cache=rule)
    for key in ("_p/1/a.js", "b.js"):
        status, headers, body = asked(public_s3, key, **{"Accept-Encoding": "gzip"})
        assert status == 200
        assert [headers[name] for name in ("Content-Type", "Cache-Control")] == [kind, rule]
        assert headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(body) == text
        assert len(body) == kept.bytes < len(text) / 100
    assert public_s3.sync([script]) == ()
    assert gzip.decompress(public_s3.read("b.js")) == text


@integration
def test_what_lay_there_plain_is_compressed(public_s3: S3Store) -> None:
    """An upgrade finds the scripts of before at their names, and replaces bytes and header both."""
    plain = Object(key="a.js", body=b"let a;" * 99, media_type="text/javascript")
    packed = replace(plain, encoding="gzip")
    for item, told in ((plain, None), (packed, "gzip"), (plain, None)):
        assert public_s3.sync([item]) == ("a.js",)
        _, headers, _ = asked(public_s3, "a.js", **{"Accept-Encoding": "gzip"})
        assert headers["Content-Encoding"] == told


def test_compressing_gives_the_same_bytes_whenever_and_wherever() -> None:
    """Neither a time nor a name nor a system is written into the header: else all is sent anew."""
    item = Object(key="a", body=b"a" * 999, media_type="text/plain", encoding="gzip")
    assert s3object.sent(item).body[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"


# --- local copies -----------------------------------------------------------------------------


@integration
def test_local_copy_is_made_once(private_s3: S3Store, tmp_path: Path) -> None:
    """The same bytes are downloaded once; new bytes get a copy of their own; no litter."""
    moved: list[int] = []
    entry = private_s3.put(thing("a/Clip.MP4", b"first"))
    first = Source(key=entry.key, name="Clip", bytes=entry.bytes, identity=entry.identity)
    assert not private_s3.is_local(first, tmp_path / "scratch")
    for _ in range(2):
        with private_s3.local("a/Clip.MP4", tmp_path / "scratch", on_bytes=moved.append) as path:
            assert path.read_bytes() == b"first"
    assert sum(moved) == len(b"first")
    assert private_s3.is_local(first, tmp_path / "scratch")
    assert path.suffix == ".mp4"
    private_s3.put(thing("a/Clip.MP4", b"other"))
    with private_s3.local("a/Clip.MP4", tmp_path / "scratch") as other:
        assert other.read_bytes() == b"other"
    assert not private_s3.is_local(replace(first, identity="?"), tmp_path / "scratch")
    assert sorted((tmp_path / "scratch").iterdir()) == sorted([path, other])


@integration
def test_local_copies_made_at_once(private_s3: S3Store, tmp_path: Path) -> None:
    """Many that need the same file each get a whole one."""
    data = os.urandom(9 << 20)
    file = tmp_path / "file"
    file.write_bytes(data)
    private_s3.put(thing("big", file))

    def fetch(_: int) -> bool:
        with private_s3.local("big", tmp_path / "scratch") as path:
            return path.read_bytes() == data

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(fetch, range(4)))
    assert len(list((tmp_path / "scratch").iterdir())) == 1


@integration
def test_local_damaged_copy_is_not_used(private_s3: S3Store, tmp_path: Path) -> None:
    """A copy of the wrong length is replaced."""
    private_s3.put(thing("a", b"whole"))
    with private_s3.local("a", tmp_path) as path:
        path.write_bytes(b"who")
    with private_s3.local("a", tmp_path) as path:
        assert path.read_bytes() == b"whole"


@integration
def test_local_of_a_file_that_changes(
    private_s3: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that are replaced while they are fetched are fetched again, never mixed up."""
    private_s3.put(thing("a", b"first"))
    fetch = private_s3.client.download_file
    left = [b"other", b"third"]

    def replaced(*args: Any, **options: Any) -> None:
        fetch(*args, **options)
        if left:
            private_s3.put(thing("a", left.pop(0)))

    monkeypatch.setattr(private_s3.client, "download_file", replaced)
    with private_s3.local("a", tmp_path) as path:
        assert path.read_bytes() == b"third"
    left.extend([b"never", b"stops", b"to be", b"other"])
    private_s3.put(thing("a", b"again"))
    with pytest.raises(StoreUnavailable, match="changing"), private_s3.local("a", tmp_path):
        pass
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


# --- what other makes lack --------------------------------------------------------------------


@integration
def test_conditional_writes_are_probed(private_s3: S3Store) -> None:
    """The probe finds SeaweedFS able, and leaves nothing behind."""
    assert honours_if_none_match(private_s3)
    contents = private_s3.client.list_objects_v2(Bucket=private_s3.bucket).get("Contents", [])
    assert contents == []


@integration
@pytest.mark.parametrize("answer", ["ignored", "NotImplemented"])
def test_create_without_conditional_writes(
    private_s3: S3Store, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """On a make that ignores or refuses the condition, `create` looks before it writes."""
    store = S3Store(NOWHERE, private_s3.bucket)
    client = private_s3.client
    monkeypatch.setattr(S3Store, "client", client)
    write = client.put_object

    def unconditional(**request: Any) -> Any:
        if request.pop("IfNoneMatch", None) and answer != "ignored":
            raise client_error(answer, "PutObject")
        return write(**request)

    monkeypatch.setattr(client, "put_object", unconditional)
    assert not honours_if_none_match(store)
    assert store.create(thing("a", b"first"))
    assert not store.create(thing("a", b"second"))
    assert store.read("a") == b"first"


@integration
@pytest.mark.parametrize("code", ["NotImplemented", "MissingContentMD5"])
def test_delete_without_batches(
    private_s3: S3Store, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """Where a store takes no batches, keys are deleted one by one."""

    def refuse(**_: Any) -> None:
        raise client_error(code, "DeleteObjects")

    for key in ("a", "b", "c"):
        private_s3.put(thing(key))
    with monkeypatch.context() as patch:
        patch.setattr(private_s3.client, "delete_objects", refuse)
        private_s3.delete(["a", "b", "nothing"])
    assert [entry.key for entry in private_s3.list()] == ["c"]


@integration
def test_delete_tries_again_what_a_batch_left(
    private_s3: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that a batch reports as failed is deleted on its own."""
    private_s3.put(thing("a"))
    failed = {"Errors": [{"Key": "a", "Code": "InternalError"}, {"Key": "b", "Code": "NoSuchKey"}]}
    with monkeypatch.context() as patch:
        patch.setattr(private_s3.client, "delete_objects", lambda **_: failed)
        private_s3.delete(["a", "b"])
    assert list(private_s3.list()) == []


@integration
def test_what_is_no_upload_is_not_listed(private_s3: S3Store) -> None:
    """Folder markers, which S3 browsers leave, and a store's own drafts are no objects."""
    for key in ("post/", "post/a.jpg", f"{DRAFT}0123"):
        private_s3.client.put_object(Bucket=private_s3.bucket, Key=key, Body=b"")
    assert [entry.key for entry in private_s3.list()] == ["post/a.jpg"]
    private_s3.delete(["post/", f"{DRAFT}0123"])


@integration
def test_sync_asks_once_for_each_folder(
    private_s3: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many objects a post has, one LIST compares them; nothing beside it is listed."""
    asked_for: list[str] = []
    listing = private_s3.list
    monkeypatch.setattr(
        private_s3, "list", lambda prefix="": (asked_for.append(prefix), listing(prefix))[1]
    )
    items = [thing(f"post/item{i}/a.jpg") for i in range(20)]
    assert len(private_s3.sync([*items, thing("index.html")])) == 21
    assert asked_for == ["index.html", "post/item"]


# --- the client -------------------------------------------------------------------------------


def test_each_process_has_its_own_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's child that was forked off does not share sockets with its parent."""
    store = S3Store(NOWHERE, "bucket")
    parents = store.client
    assert store.client is parents
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert store.client is not parents


# --- failures ---------------------------------------------------------------------------------


@integration
def test_failed_upload_in_parts_keeps_its_reason(s3_server: S3Server, tmp_path: Path) -> None:
    """boto3 wraps what fails in a large upload in an error of its own; the reason is dug out."""
    file = tmp_path / "large"
    file.write_bytes(b"x" * (9 << 20))
    with pytest.raises(StoreUnavailable, match="“not-made” does not exist"):
        S3Store(s3_server.access, "not-made").put(thing("large", file))


@integration
def test_bucket_that_is_gone(s3_server: S3Server, tmp_path: Path) -> None:
    """A missing bucket is not mistaken for missing objects, or all would be unpublished."""
    store = S3Store(s3_server.access, "not-made")
    for use in (
        lambda: list(store.list()),
        lambda: store.stat("a"),
        lambda: store.read("a"),
        lambda: store.put(thing("a")),
        lambda: store.create(thing("a")),
        lambda: store.copy("a", "b", media_type="text/plain"),
        lambda: store.delete(["a"]),
        lambda: store.sync([thing("a")]),
        lambda: store.local("a", tmp_path).__enter__(),
        S3Store(s3_server.access, "not-made").now,
    ):
        with pytest.raises(StoreUnavailable, match="“not-made” does not exist"):
            use()


@integration
@pytest.mark.parametrize("wrong", [{"secret_key": SECRET}, {"access_key": "nobody"}], ids=str)
def test_wrong_credentials(private_s3: S3Store, s3_server: S3Server, wrong: Any) -> None:
    """Wrong keys are said as such, with the bucket's name and without any secret."""
    private_s3.put(thing("a"))
    access = replace(s3_server.access, **wrong)
    store = S3Store(access, private_s3.bucket)
    uses = (lambda: list(store.list()), lambda: store.stat("a"), lambda: store.put(thing("a")))
    for use in uses:
        with pytest.raises(StoreUnavailable, match=r"“private”.*secret key") as caught:
            use()
        said = f"{caught.value!r} {caught.value.evidence} {caught.value.__cause__}"
        assert access.secret_key not in said
        assert "Signature=" not in said
    with pytest.raises(StoreUnavailable):
        prepare_bucket(access, private_s3.bucket, public=False)


@integration
def test_server_that_dies(doomed_s3: S3Server, tmp_path: Path) -> None:
    """When the store goes away every use ends in the error that is tried again later."""
    access = replace(doomed_s3.access, attempts=2, connect_timeout_s=2, read_timeout_s=2)
    prepare_bucket(access, "bucket", public=False)
    store = S3Store(access, "bucket")
    store.put(thing("a"))
    before = store.now()
    doomed_s3.kill()
    for use in (
        lambda: list(store.list()),
        lambda: store.read("a"),
        lambda: store.stat("a"),
        lambda: store.create(thing("b")),
        lambda: store.sync([thing("c")]),
        lambda: store.local("a", tmp_path / "scratch").__enter__(),
    ):
        with pytest.raises(StoreUnavailable, match="tried again"):
            use()
    assert store.now() >= before


@integration
def test_full_scratch(private_s3: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scratch disk without room is said, and no half copy stays."""

    def fill(_: str, __: str, path: str, **___: Any) -> None:
        Path(path).write_bytes(b"ha")
        raise OSError(28, "No space left on device")

    private_s3.put(thing("a"))
    monkeypatch.setattr(private_s3.client, "download_file", fill)
    with pytest.raises(DiskFull), private_s3.local("a", tmp_path / "scratch"):
        pass
    assert list((tmp_path / "scratch").iterdir()) == []
