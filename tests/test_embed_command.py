"""What `newsreel embed` answers: the wanted one, as it is wanted, or what there is to choose."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sample_post import POST, SITE

from newsreel.cli import main
from newsreel.commands import Wish, embed
from pipeline import embed as embed_
from pipeline import pages
from pipeline.errors import ConfigError, Missing
from pipeline.subject import Look


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample post, published into a folder."""
    for one in pages.render(SITE, POST):
        target = tmp_path / "site" / one.key
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(bytes(one.body))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEWSREEL_BASE_URL", "https://media.example.org")
    return tmp_path / "site"


def asked(*arguments: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(main, ["embed", "pleno", *arguments, "--out", "site"])


def test_options_shape_what_is_printed(site: Path) -> None:
    """Variant, language and width reach the snippet, which is one line of standard output."""
    options = ("--variant", "iframe", "--language", "en", "--max-width", "480")
    done = asked("gallery", *options)
    assert (done.exit_code, done.stdout.count("\n")) == (0, 1)
    assert "The longest session (2 photos)" in done.stdout
    assert "max-width:480px" in done.stdout
    exact = asked("votacion", "--as", "iframe", "--width", "300").stdout
    assert 'width="300" height="169"' in exact


def test_a_post_and_its_gallery_can_be_asked_for_by_name(site: Path) -> None:
    """Besides every item."""
    assert asked("post", "--as", "url").stdout.endswith("/pleno/index.html\n")
    assert asked("gallery", "--as", "url").stdout.endswith("/pleno/gallery.html\n")
    every = embed(Wish(post="pleno", out=site))
    assert list(every)[:3] == ["pleno", "gallery", "votacion"]


def test_a_failed_item_prints_its_reason_and_ends_with_1(site: Path) -> None:
    """The same line as on the sheet, as a comment that does no harm."""
    done = asked("roto", "--as", "iframe")
    assert done.exit_code == 1
    assert done.stdout.startswith("<!-- There is nothing to paste for “MVI 42.MOV”")
    assert done.stdout.strip() in (site / "pleno/embeds.html").read_text().replace(
        "&lt;", "<"
    ).replace("&gt;", ">")


def test_the_blogs_address_decides_on_frames(site: Path) -> None:
    """On the command line, too."""
    done = asked("votacion", "--as", "iframe", "--blog", "https://media.example.org/news")
    assert (done.exit_code, "media.example.org" in done.stdout) == (1, True)
    assert "<!--" in done.stdout
    assert asked("votacion", "--as", "iframe", "--blog", "https://example.org").exit_code == 0


@pytest.mark.parametrize(
    ("wish", "error", "told"),
    [
        (Wish(post="pleno", variant="ifrane"), ConfigError, ", ".join(embed_.VARIANTS)),
        (Wish(post="pleno", look=Look(width=5)), ConfigError, "100 to 4000 pixels, not 5"),
        (Wish(post="pleno", item="votación"), Missing, "Known: post, gallery, votacion"),
        (Wish(post="pleno", item="votacion", variant="first"), Missing, "no variant first"),
        (Wish(post="nada"), Missing, "no published post called nada"),
    ],
)
def test_what_is_unknown_is_answered_with_the_choices(
    site: Path, wish: Wish, error: type[Exception], told: str
) -> None:
    """A typing mistake costs one more attempt."""
    with pytest.raises(error, match=told.replace("(", r"\(")):
        embed(replace(wish, out=site))


def test_json_holds_every_variant(site: Path) -> None:
    """By item and variant."""
    told = json.loads(asked("manos", "--json").stdout)
    assert list(told["manos"]) == list(embed_.VARIANTS)
