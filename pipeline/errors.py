"""Whose fault it is, decided where the evidence is.

Owns the four kinds of failure and their leaves. Every error speaks twice: `public` is for the
reporter (what happened, to which file, what to do; never a path or a command), `evidence` is for
the log. Refuses to map tool output to leaves itself: see `diagnose`.
"""

from __future__ import annotations

from typing import Any, ClassVar


class NewsreelError(Exception):
    """Base of every failure this project raises on purpose.

    `code` is stable and machine-readable; it appears in manifests and `--json` output.
    """

    code: ClassVar[str] = "error"

    def __init__(self, public: str, *, evidence: str = "") -> None:
        """`public` is a sentence for the reporter; `evidence` goes to the log only."""
        super().__init__(public, evidence)
        self.public = public
        self.evidence = evidence

    def __reduce__(self) -> tuple[Any, ...]:
        """Travels between processes whole: Celery must know a bad file from a broken worker."""
        return _rebuilt, (type(self), self.public, self.evidence)

    def __str__(self) -> str:
        """The public text alone: safe to show anywhere, also in a task dashboard."""
        return self.public

    def __repr__(self) -> str:
        """Class and public text: what Flower shows; the evidence stays out of it."""
        return f"{type(self).__name__}({self.public!r})"


def _rebuilt(kind: type[NewsreelError], public: str, evidence: str) -> NewsreelError:
    return kind(public, evidence=evidence)


class BadInput(NewsreelError):
    """The uploaded file is at fault. Never retried; the other items of the post go on."""

    code = "bad-input"


class Unreadable(BadInput):
    """No parser can make sense of the file, or nothing in it decodes."""

    code = "unreadable"


class Unsupported(BadInput):
    """A file we understand but do not publish (an SVG, a playlist, encrypted media)."""

    code = "unsupported"


class Unfit(BadInput):
    """A film's own pictures cannot be published as they are: it has to be encoded after all."""

    code = "unfit"


class OverLimit(BadInput):
    """The file exceeds a configured limit; the text names the limit and its setting."""

    code = "over-limit"


class Hostile(BadInput):
    """The file tried to reach beyond itself, or breaks its decoder again and again."""

    code = "hostile"


class Transient(NewsreelError):
    """The world is at fault (store away, disk full, tool killed). Retried with back-off.

    `max_attempts` bounds the tries: eight take about twenty minutes, then the reporter is told.
    """

    code = "transient"
    max_attempts: ClassVar[int] = 8


class StoreUnavailable(Transient):
    """The object store did not answer, or answered with a passing error."""

    code = "store-unavailable"


class DiskFull(Transient):
    """No room for scratch files or for outputs."""

    code = "disk-full"


class ToolKilled(Transient):
    """A child process was ended from outside, or ran into its timeout."""

    code = "tool-killed"


class Missing(NewsreelError):
    """An object that was asked for is not in the store (withdrawn or not yet there)."""

    code = "missing"


class ToolBug(NewsreelError):
    """We are at fault: a tool failed in a way no table row explains. Never retried."""

    code = "internal"


class ConfigError(NewsreelError):
    """The operator is at fault; the text lists every mistake with an example. Exit code 2."""

    code = "config"
