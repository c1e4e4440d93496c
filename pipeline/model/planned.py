"""What is to be made of one item: steps and plans.

Owns the unit of work, which succeeds or fails as a whole. Its outputs are in `outputs`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.model.dropped import Source
from pipeline.model.found import Probe
from pipeline.model.kinds import Kind
from pipeline.model.outputs import Output, SoundTrack, Span, Treatment


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One piece of work that succeeds or fails as a whole.

    `priority` follows Redis transports: 0 is the most urgent, 9 the least. `fingerprint` is the
    key prefix of everything the step makes, so equal work is done once. When a step that is not
    `required` fails, the item is published without what it would have made, with a note. `needs`
    names the steps whose outputs it is made from; without any it is made from the source, or from
    a `span` of it, or from a copy of the source whose clock `restarts`.
    """

    name: str
    fingerprint: str
    source: Source
    demuxer: str
    restarts: bool = False
    outputs: tuple[Output, ...]
    treatment: Treatment | None = None
    sound: SoundTrack | None = None
    span: Span = Span()
    needs: tuple[str, ...] = ()
    duration_ms: int | None = None
    required: bool = True
    timeout_s: int
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that will be made of one item, with the reasons in plain words.

    `texts` holds what text sidecars say, by role and language ("caption-text-es").
    """

    kind: Kind
    source: Source
    profile: str
    profile_version: int
    probe: Probe
    steps: tuple[Step, ...]
    texts: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
