"""What a reporter is told about thin lines is what a reader's browser would fetch."""

from __future__ import annotations

from dataclasses import replace

from sample_post import AUDIO, FAILED, GROWING, PHOTO, PHOTO_TALL, TALL, VIDEO, WAITING, made

from pipeline.bandwidth import LINES_BPS, Cost, Overhead, costs, gallery_costs

OVERHEAD = Overhead(frame=40_000, film=15_000, playing=550_000)
BYTES = 1_234_567


def test_each_line_gets_the_size_that_it_carries() -> None:
    """A thin line is served the smallest size whole, a faster one a larger size."""
    rungs = tuple(
        replace(one, bytes=size, extra=one.extra | {"peak_bps": peak})
        for one, size, peak in zip(
            [one for one in VIDEO.outputs if one.role == "rung" and one.extra["codec"] == "h264"],
            (40_000_000, 9_000_000),
            (1_400_000, 400_000),
            strict=True,
        )
    )
    film = replace(VIDEO, outputs=(*(o for o in VIDEO.outputs if o.role != "rung"), *rungs))
    thin, fast = costs(film, OVERHEAD)
    sound = 128_000 * 192 // 8
    base = 40_000 + 15_000 + BYTES + 550_000
    assert (thin.bps, thin.whole) == (256_000, base + 9_000_000 + sound)
    assert (fast.bps, fast.whole) == (2_000_000, base + 40_000_000 + sound)
    assert thin.seen == fast.seen == 40_000 + 15_000 + BYTES
    assert thin.plays is not None
    assert thin.seen + 550_000 < thin.plays < thin.whole


def test_a_film_of_one_file_counts_the_file() -> None:
    """No playlist, no hls.js."""
    (thin, _) = costs(TALL, OVERHEAD)
    assert thin.whole == 40_000 + 15_000 + BYTES


def test_sound_and_photos_are_counted_too() -> None:
    """A recording its file, a photo the size of an article and the largest one."""
    (sound, _), (photo, _) = costs(AUDIO, OVERHEAD), costs(PHOTO, OVERHEAD)
    assert sound.whole == 40_000 + 2 * BYTES
    assert (photo.seen, photo.plays) == (BYTES, None)
    assert photo.whole == 40_000 + 2 * BYTES


def test_a_gallery_counts_every_photo_that_is_there() -> None:
    """Its first picture is one photo."""
    made_ = gallery_costs((PHOTO, PHOTO_TALL, replace(PHOTO, outputs=())), OVERHEAD)
    assert [(one.seen, one.whole) for one in made_] == [(40_000 + BYTES, 40_000 + 2 * BYTES)] * 2
    assert gallery_costs((replace(PHOTO, outputs=()),), OVERHEAD) == ()


def test_nothing_is_said_before_there_is_something_to_measure() -> None:
    """Not while it is prepared, not where it failed; a growing film counts what is there."""
    assert costs(WAITING, OVERHEAD) == costs(FAILED, OVERHEAD) == ()
    assert len(costs(GROWING, OVERHEAD)) == len(LINES_BPS)


def test_seconds_are_bits_over_the_line() -> None:
    """A megabyte takes half a minute on the thin line."""
    assert Cost(bps=256_000, seen=1_000_000, plays=None, whole=0).seconds(1_000_000) == 31.25
    assert made("sound", "x", "audio/mp4").bytes == BYTES
