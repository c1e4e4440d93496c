"""The packets of a file, past what FFmpeg stumbles over.

Owns going on behind damage, and past streams that turn up on the way. Refuses to judge what was
damaged: who reads on is told each time. The probes read films and recordings through this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import av.error

# Times in a row, until a file has nothing more. A transport stream is searched by 64 kB each time.
TRIES = 1000


def packets(
    container: Any, *streams: Any, stumbled: Callable[[], None] = lambda: None
) -> Iterator[Any]:
    """As `container.demux`, to the end of what can be read; raises FFmpeg's error if that is all.

    ffmpeg itself goes on in the same way.
    """
    tries = 0
    while True:
        try:
            for packet in container.demux(*streams):
                tries = 0 if packet.size else tries
                yield packet
        except IndexError:  # PyAV knows no streams but those of the beginning
            continue
        except av.error.FFmpegError:
            tries += 1
            if tries == TRIES:
                raise
            stumbled()
        else:
            return
