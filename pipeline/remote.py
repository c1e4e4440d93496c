"""A file that is brought piece by piece as it is read: the child's side.

Owns asking the parent for what is missing in a sparse file, with more ahead where reading goes on
and on. Refuses to fetch anything by itself: the child has no network. Runs only inside a confined
child whose service is `sparse.SparseCopy.answer`.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer

BLOCK = 256 << 10
"""What is brought at least: a request costs about what so many bytes do."""

_MOST = 4 << 20  # brought at once, where a file is read from one end of a stretch to the other


def _ask_parent(start: int, end: int) -> None:
    os.write(0, b"%d %d\n" % (start, end))
    if not os.read(0, 1):
        raise EOFError("nothing more is brought")


class RemoteFile(io.RawIOBase):
    """A file to be read whose bytes need not be there before.

    Raises EOFError when the parent has ended its service.
    """

    def __init__(self, path: str, ask: Callable[[int, int], None] = _ask_parent) -> None:
        """Open the sparse file that the parent fills; `ask` makes it bring a range."""
        super().__init__()
        self.name = path
        self._ask = ask
        self._file = io.FileIO(path)
        self.size = os.fstat(self._file.fileno()).st_size
        self._at = 0
        self._there: set[int] = set()
        self._next, self._ahead = -1, 0

    def close(self) -> None:
        """As of any file."""
        self._file.close()
        super().close()

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of any file."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """As of any file."""
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """As of any file; what is missing is brought first."""
        view = memoryview(buffer).cast("B")
        end = min(self._at + len(view), self.size)
        self.bring(self._at, end)
        count = os.preadv(self._file.fileno(), [view], self._at) if self._at < end else 0
        self._at += count
        return count

    def bring(self, start: int, end: int) -> None:
        """Make sure that a range is there."""
        for block in range(start // BLOCK, -(-end // BLOCK)):
            if block not in self._there:
                self._bring(block, end)

    def _bring(self, block: int, end: int) -> None:
        """Bring what is missing from a block on, to `end` at least."""
        # Twice as much each time, where reading goes on where the last request ended.
        self._ahead = min(2 * self._ahead, _MOST) if block == self._next else BLOCK
        last = block
        while last not in self._there and last * BLOCK < max(end, block * BLOCK + self._ahead):
            self._there.add(last)
            last += 1
        self._next = last
        self._ask(block * BLOCK, min(last * BLOCK, self.size))


Readable: TypeAlias = io.BufferedReader | RemoteFile
"""A file that lies here, or one that is brought."""


def opened(path: str, *, brought: bool) -> Readable:
    """A file to be read, which lies here whole unless it is `brought`."""
    return RemoteFile(path) if brought else open(path, "rb")  # noqa: PTH123  (one kind of file)
