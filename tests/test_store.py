"""What every store keeps to, tried on a folder and on a real S3 server; then the folder's own."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import identities
from pipeline.errors import DiskFull, Missing, StoreUnavailable, Unreadable
from pipeline.model import Object
from pipeline.store import DRAFT, DirStore, Store

S3 = pytest.param("s3", marks=pytest.mark.integration)


def thing(key: str, body: bytes | Path = b"bytes", *, media_type: str = "text/plain") -> Object:
    """An object whose headers do not matter."""
    return Object(key=key, body=body, media_type=media_type)


def keys(store: Store, prefix: str = "") -> list[str]:
    """The keys of a listing."""
    return [entry.key for entry in store.list(prefix)]


@pytest.fixture(params=["dir", S3])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of each make."""
    if request.param == "s3":
        return request.getfixturevalue("private_s3")
    return DirStore(tmp_path / "store")


@pytest.fixture
def folder(tmp_path: Path) -> DirStore:
    """A store on `tmp_path/store`, remembering in `tmp_path/cache.json`."""
    return DirStore(tmp_path / "store", cache=tmp_path / "cache.json")


# --- every store -----------------------------------------------------------------------------

ODD_KEYS = [
    "plain.txt",
    "with space/ünï/ñ ö.mp4",
    "emoji 🎬.mov",
    "decomposed n\u0303.jpg",
    "per%cent %2f %41.txt",
    "question?x=1&y#z",
    "plus+and~tilde",
    "quote\"s 'and' <xml>&amp;",
    "trailing ",
    "dots...jpg",
    ".hidden",
    "control\x01character",
    "n" * 255,
]


@pytest.mark.parametrize("key", ODD_KEYS, ids=ascii)
def test_odd_keys(store: Store, key: str) -> None:
    """Whatever a reporter's file is called, it is listed and read under one and the same key."""
    entry = store.put(thing(key, key.encode()))
    assert keys(store) == [key]
    assert store.read(key) == key.encode()
    assert store.stat(key).identity == entry.identity
    store.delete([key])
    assert keys(store) == []


def test_three_views_agree(store: Store) -> None:
    """`put`, `stat` and `list` say the same of an object."""
    put = store.put(thing("a/b", b"12345"))
    listed = next(store.list())
    assert store.stat("a/b") == listed
    assert (put.key, put.bytes, put.identity) == ("a/b", 5, listed.identity)
    assert abs(put.modified - listed.modified) < 60


def test_identity_names_bytes(store: Store) -> None:
    """The same bytes have one identity under any key and at any time, others another."""
    first, again = store.put(thing("a", b"same")), store.put(thing("b", b"same"))
    other = store.put(thing("a", b"diff"))
    assert first.identity == again.identity != other.identity
    assert [entry.identity for entry in store.list()] == [other.identity, again.identity]


def test_empty_object(store: Store, tmp_path: Path) -> None:
    """An object of no bytes is an object."""
    assert store.put(thing("none", b"")).bytes == 0
    assert store.stat("none").bytes == 0
    assert store.read("none") == store.read("none", start=0, length=10) == b""
    with store.local("none", tmp_path) as path:
        assert path.read_bytes() == b""


def test_large_file(store: Store, tmp_path: Path) -> None:
    """A file beyond one part arrives whole, is readable anywhere, and reports its progress."""
    body = tmp_path / "large.bin"
    data = os.urandom(1 << 20) * 17 + b"tail"
    body.write_bytes(data)
    moved: list[int] = []
    entry = store.put(thing("large.bin", body), on_bytes=moved.append)
    assert (entry.bytes, sum(moved)) == (len(data), len(data))
    seam = 8 << 20
    assert store.read("large.bin", start=seam - 3, length=6) == data[seam - 3 : seam + 3]
    assert store.read("large.bin", start=len(data) - 4) == b"tail"
    with store.local("large.bin", tmp_path / "scratch") as path:
        assert path.read_bytes() == data
    assert store.sync([thing("large.bin", body)]) == ()


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (0, None, b"0123456789"),
        (3, None, b"3456789"),
        (3, 4, b"3456"),
        (8, 100, b"89"),
        (9, 1, b"9"),
        (10, None, b""),
        (99, 5, b""),
        (2, 0, b""),
        (0, 0, b""),
    ],
)
def test_ranges(store: Store, start: int, length: int | None, expected: bytes) -> None:
    """A range is cut like a slice: short at the end, empty behind it."""
    store.put(thing("digits", b"0123456789"))
    assert store.read("digits", start=start, length=length) == expected


def test_missing(store: Store, tmp_path: Path) -> None:
    """What is not there is None to `stat` and `Missing` to whoever needs it."""
    store.put(thing("folder/file"))
    for key in ("nothing", "folder", "folder/file/below", "n" * 300):
        assert store.stat(key) is None
        with pytest.raises(Missing):
            store.read(key)
        with pytest.raises(Missing), store.local(key, tmp_path):
            pass
        with pytest.raises(Missing):
            store.copy(key, "target", media_type="text/plain")
    assert keys(store) == ["folder/file"]


def test_create_never_replaces(store: Store) -> None:
    """The second to create a key is told so and changes nothing."""
    assert store.create(thing("once", b"first"))
    assert not store.create(thing("once", b"second"))
    assert store.read("once") == b"first"


def test_create_has_one_winner(store: Store) -> None:
    """Of many that create one key at once exactly one wins, and its bytes lie there."""
    start = threading.Barrier(8)

    def run(number: int) -> bytes | None:
        start.wait()
        body = str(number).encode()
        return body if store.create(thing("race/once", body)) else None

    for _ in range(5):
        with ThreadPoolExecutor(8) as pool:
            winners = [body for body in pool.map(run, range(8)) if body]
        assert winners == [store.read("race/once")]
        store.delete(["race/once"])


def test_copy_is_independent(store: Store) -> None:
    """After a copy either name can get new bytes without a trace in the other."""
    store.put(thing("a", b"old"))
    store.copy("a", "deep/b", media_type="text/plain")
    store.copy("a", "c", media_type="text/plain")
    store.put(thing("a", b"new"))
    store.put(thing("c", b"newer"))
    assert [store.read(key) for key in ("a", "deep/b", "c")] == [b"new", b"old", b"newer"]


def test_copy_replaces_and_repeats(store: Store) -> None:
    """A copy goes over what lies there, may be made twice, and onto itself."""
    store.put(thing("a", b"bytes of a"))
    store.put(thing("b", b"bytes of b"))
    for _ in range(2):
        store.copy("a", "b", media_type="text/plain")
    store.copy("a", "a", media_type="text/plain")
    assert store.read("a") == store.read("b") == b"bytes of a"
    assert keys(store) == ["a", "b"]


def test_delete(store: Store) -> None:
    """Deleting removes what is named, once or twice, there or not, and nothing else."""
    for key in ("a", "a.txt", "b/c", "b/d"):
        store.put(thing(key))
    store.delete(iter(["a", "a", "b/c", "never/was", "b"]))
    assert keys(store) == ["a.txt", "b/d"]


def test_prefix_is_of_characters(store: Store) -> None:
    """A prefix is the beginning of a key, not a folder."""
    for key in ("a.txt", "a/b", "a/bc/d", "ab", "b/a"):
        store.put(thing(key))
    assert keys(store, "a") == ["a.txt", "a/b", "a/bc/d", "ab"]
    assert keys(store, "a/") == ["a/b", "a/bc/d"]
    assert keys(store, "a/b") == ["a/b", "a/bc/d"]
    assert keys(store, "a/bc/d") == ["a/bc/d"]
    for nothing in ("A", "a/bc/d/", "../", "/", "a//", "c/d/e"):
        assert keys(store, nothing) == []


def test_listing_is_complete_and_sorted(store: Store) -> None:
    """Over a thousand keys come all, once, in the order of their bytes, folders or not."""
    wanted = [f"p{i % 7}/é{i:04}" for i in range(700)]
    wanted += [f"p{i % 7}{mark}{i:04}" for i in range(150) for mark in (".", "-", "0", "😀")]
    store.sync([thing(key, b"") for key in wanted])
    listed = keys(store)
    assert len(wanted) > 1000
    assert listed == sorted(wanted, key=str.encode)
    store.delete(wanted)
    assert keys(store) == []


def test_sync_writes_what_differs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only changed bytes are written, and a pointer after all that was given before it."""
    site = [
        thing("p/new.jpg", b"1"),
        thing("p/same.jpg", b"2"),
        thing("p/changed.jpg", b"3"),
        thing("p/item.json", b"4"),
        thing("q/late.jpg", b"5"),
        thing("p/index.html", b"6"),
        thing("index.html", b"7"),
    ]
    for key, body in (("p/same.jpg", b"2"), ("p/changed.jpg", b"0"), ("index.html.gz", b"7")):
        store.put(thing(key, body))
    order: list[str] = []
    put = store.put
    monkeypatch.setattr(store, "put", lambda item: (put(item), order.append(item.key))[0])
    changed = tuple(item.key for item in site if item.key != "p/same.jpg")
    assert store.sync(iter(site)) == changed
    assert set(order[:2]) == {"p/new.jpg", "p/changed.jpg"}
    assert order[2:] == ["p/item.json", "q/late.jpg", "p/index.html", "index.html"]
    assert store.sync(site) == ()


def test_encoded_objects_are_known_again(store: Store) -> None:
    """What a store may keep compressed is written once, held, and replaced where it was plain."""
    text = b"let again = 'and again';" * 400
    packed = replace(thing("a.js", text, media_type="text/javascript"), encoding="gzip")
    store.put(replace(packed, body=b"older"))
    assert not store.holds(packed)
    assert store.sync([packed]) == ("a.js",)
    assert store.holds(packed)
    assert store.sync([packed]) == ()
    assert not store.create(packed)
    assert store.create(replace(packed, key="b.js"))
    assert store.stat("a.js").identity == store.stat("b.js").identity
    assert store.stat("a.js").bytes == len(store.read("a.js"))


def test_sync_stops_at_a_failure(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """When something cannot be written, no pointer given after it is."""
    put = store.put

    def fail(item: Object) -> object:
        if item.key == "broken.jpg":
            raise StoreUnavailable("away")
        return put(item)

    monkeypatch.setattr(store, "put", fail)
    with pytest.raises(StoreUnavailable):
        store.sync([thing("broken.jpg"), thing("whole.jpg"), thing("a.html"), thing("a.json")])
    assert set(keys(store)) <= {"whole.jpg"}


def test_clock(store: Store) -> None:
    """The store's clock and the times of its entries are of one kind."""
    store.put(thing("a"))
    assert abs(store.stat("a").modified - store.now()) < 60


# --- the folder ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../up", "a/../../up", "a//b", "a/", ".", "a/./b", "nul\0", DRAFT]
)
def test_folder_refuses_what_is_no_key(folder: DirStore, key: str) -> None:
    """A key that could lead out of the root, or name a file twice, is our own mistake."""
    for use in (folder.stat, folder.read, lambda key: folder.put(thing(key))):
        with pytest.raises(ValueError, match="not a key"):
            use(key)


def test_folder_follows_no_links(folder: DirStore, tmp_path: Path) -> None:
    """A link, wherever it leads and whatever it is on the way to, is not there."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    folder.put(thing("real"))
    root = tmp_path / "store"
    (root / "file").symlink_to(outside / "secret")
    (root / "folder").symlink_to(outside)
    (root / "inside").symlink_to(root / "real")
    assert keys(folder) == ["real"]
    for key in ("file", "folder/secret", "inside"):
        assert folder.stat(key) is None
        with pytest.raises(Missing):
            folder.read(key)
        folder.delete([key])
    with pytest.raises(StoreUnavailable, match="link"):
        folder.put(thing("folder/new"))
    folder.put(thing("file", b"ours"))
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_text() == "secret"
    assert folder.read("file") == b"ours"


def test_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    """What the operator names as the root is taken as it is."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    store = DirStore(tmp_path / "link")
    store.put(thing("a"))
    assert keys(store) == ["a"]


def test_folder_passes_over_what_is_no_file(folder: DirStore, tmp_path: Path) -> None:
    """A pipe is neither listed nor waited for."""
    folder.put(thing("real"))
    os.mkfifo(tmp_path / "store" / "pipe")
    assert keys(folder) == ["real"]
    with pytest.raises(Missing):
        folder.read("pipe")


def test_folder_names_that_are_not_utf8(folder: DirStore, tmp_path: Path) -> None:
    """A name in another encoding gets a key that can be shown, and reads what was listed."""
    root = os.fsencode(tmp_path / "store")
    Path(os.fsdecode(root + b"/caf\xe9")).mkdir(parents=True)
    for name in (b"/caf\xe9/ni\xf1o.jpg", b"/50%\xff", b"/\xf1", b"/%F1"):
        Path(os.fsdecode(root + name)).write_bytes(name)
    listed = {key: folder.read(key) for key in keys(folder)}
    assert listed == {
        "50%%FF": b"/50%\xff",
        "caf%E9/ni%F1o.jpg": b"/caf\xe9/ni\xf1o.jpg",
        "%F1": b"/%F1",  # who is really called so wins
    }
    assert keys(folder, "caf%E9/") == ["caf%E9/ni%F1o.jpg"]
    for key in listed:
        key.encode()
    folder.delete(listed)
    assert keys(folder) == ["%F1"]


def test_folder_local_is_the_file_itself(folder: DirStore, tmp_path: Path) -> None:
    """Nothing is copied that lies here already."""
    folder.put(thing("a/b.mp4"))
    with folder.local("a/b.mp4", tmp_path / "scratch") as path:
        assert path == tmp_path / "store/a/b.mp4"
    assert not (tmp_path / "scratch").exists()


def test_folder_identity_is_sha256(folder: DirStore) -> None:
    """A folder's identity is the hash that the manifest shows."""
    assert folder.put(thing("a", b"x")).identity == hashlib.sha256(b"x").hexdigest()


def test_folder_removes_emptied_folders(folder: DirStore, tmp_path: Path) -> None:
    """A withdrawn post leaves no empty folders, but the root stays."""
    folder.put(thing("a/b/c"))
    folder.put(thing("a/d"))
    folder.delete(["a/b/c"])
    assert not (tmp_path / "store/a/b").exists()
    folder.delete(["a/d"])
    assert list((tmp_path / "store").iterdir()) == []


def test_folder_survives_removal_beside_writing(folder: DirStore) -> None:
    """Writing goes on while another removes the folders it writes into."""
    done = threading.Event()

    def remove() -> None:
        while not done.is_set():
            folder.delete(["a/b/c/x"])

    with ThreadPoolExecutor(1) as pool:
        removing = pool.submit(remove)
        try:
            for _ in range(200):
                folder.put(thing("a/b/c/x", b"here"))
        finally:
            done.set()
        removing.result()
    assert set(keys(folder)) <= {"a/b/c/x"}


def test_folder_obeys_the_umask(folder: DirStore, tmp_path: Path) -> None:
    """Published files are as readable as any other file, for the web server's sake."""
    plain = tmp_path / "plain"
    plain.touch()
    folder.put(thing("a"))
    assert (tmp_path / "store/a").stat().st_mode == plain.stat().st_mode


def full_disk(*_: object, **__: object) -> None:
    """What the kernel says when there is no room."""
    raise OSError(errno.ENOSPC, "No space left on device")


def test_folder_full_disk(
    folder: DirStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is said, leaves the old bytes whole and no litter."""
    folder.put(thing("a", b"old"))
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(DiskFull):
        folder.put(thing("a", b"new"))
    with pytest.raises(DiskFull):
        folder.create(thing("b", b"new"))
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["a"]
    assert folder.read("a") == b"old"


def no_links(*_: object, **__: object) -> None:
    """What a file system without hard links says."""
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_folder_without_hard_links(folder: DirStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without links copies are copies and creating stays exclusive."""
    monkeypatch.setattr(os, "link", no_links)
    test_create_never_replaces(folder)
    folder.delete(["once"])
    test_create_has_one_winner(folder)
    test_copy_replaces_and_repeats(folder)


def test_folder_with_something_in_the_way(folder: DirStore) -> None:
    """A file where a folder is needed, or the other way round, is said and harms neither."""
    folder.put(thing("a/b"))
    folder.put(thing("c"))
    for key in ("a", "c/d"):
        with pytest.raises(StoreUnavailable):
            folder.put(thing(key))
    with pytest.raises(StoreUnavailable):
        folder.create(thing("c/d"))
    assert keys(folder) == ["a/b", "c"]


def test_folder_drafts_are_not_listed(folder: DirStore, tmp_path: Path) -> None:
    """What a killed writer left behind is no object."""
    folder.put(thing("a/b"))
    (tmp_path / "store/a" / f"{DRAFT}0123").write_text("half")
    assert keys(folder) == ["a/b"]


def test_folder_that_is_not_there(folder: DirStore) -> None:
    """A root that is still to be made holds nothing, and asking does not make it."""
    assert keys(folder) == []
    assert folder.stat("a") is None
    folder.delete(["a"])
    assert not folder._root.exists()


def refused(path: Path) -> None:
    """What the kernel says of a file of somebody else."""
    raise PermissionError(errno.EACCES, "Permission denied", str(path))


def test_folder_file_without_permission(
    folder: DirStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file we may not open is listed, and refused with its reason when it is needed."""
    folder.put(thing("a"))
    monkeypatch.setattr(identities, "opened", refused)
    monkeypatch.setattr("pipeline.store.opened", refused)
    other = DirStore(tmp_path / "store")
    assert keys(other) == ["a"]
    with pytest.raises(Unreadable, match="permissions"), other.local("a", tmp_path):
        pass
