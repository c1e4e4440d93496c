"""Keys and URLs of what is published."""

from __future__ import annotations

import pytest
from sample_post import POST, SITE, VIDEO

from pipeline import address
from pipeline.model import Site


def test_public_addresses_keep_the_path_of_the_base_and_escape_the_key() -> None:
    """A bucket below a path keeps it, with and without a final slash."""
    for base in (SITE.base_url, SITE.base_url + "/"):
        found = address.absolute(Site(base_url=base), "p/a b.html")
        assert found == "https://media.example.org/published/p/a%20b.html"


@pytest.mark.parametrize(
    ("page", "key", "link"),
    [
        ("index.html", "pleno/index.html", "pleno/index.html"),
        ("pleno/index.html", "pleno/votacion.html", "votacion.html"),
        ("pleno/votacion/embed.html", "pleno/votacion.html", "../votacion.html"),
        ("pleno/votacion/embed.html", "_p/1/player.js", "../../_p/1/player.js"),
    ],
)
def test_links_between_our_pages_are_relative(page: str, key: str, link: str) -> None:
    """The whole site can be moved to another host or opened from a disk."""
    assert address.relative(page, key) == link


@pytest.mark.parametrize(
    ("base", "reachable"),
    [
        ("https://media.example.org", True),
        ("https://media.example.org/published", True),
        ("http://media.example.org", False),
        ("https://localhost", False),
        ("https://10.0.0.7/x", False),
        ("https://[::1]/x", False),
        ("https://newsroom", False),
        ("https://bucket.localhost", False),
        ("/published", False),
        ("", False),
    ],
)
def test_an_address_only_this_computer_can_open_is_recognised(
    base: str,
    reachable: bool,  # noqa: FBT001
) -> None:
    """Only absolute https on a public host can be pasted into a blog."""
    assert address.reachable(Site(base_url=base)) is reachable


def test_the_lasting_names_do_not_change() -> None:
    """These names are in articles all over the world; changing one breaks them."""
    assert address.watch(VIDEO) == "pleno/votacion.html"
    assert address.file(VIDEO, "embed.html") == "pleno/votacion/embed.html"
    assert address.gallery(POST) == "pleno/gallery.html"
    assert address.gallery_file(POST, "embed.html") == "pleno/gallery/embed.html"
    assert address.post_page(POST) == "pleno/index.html"
    assert address.sheet(POST) == "pleno/embeds.html"
    assert address.post_json(POST) == "pleno/post.json"
