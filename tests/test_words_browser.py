"""Words in a real browser: a click on a time goes there, and what is heard is marked."""

from __future__ import annotations

import media
import pytest
from browsing import chromium, serving, visiting
from homes import Home

pytestmark = pytest.mark.browser

WEBVTT = """WEBVTT

00:00.200 --> 00:01.500
<v Ana>Buenos días.

00:04.500 --> 00:06.000
<v Luis>Buenas tardes.
"""
NOW = "document.querySelector('.nr-media').currentTime"


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A recording of eight seconds with subtitles, published."""
    home = Home(tmp_path_factory.mktemp("spoken"))
    home.lay("voz.wav", media.sound(8))
    home.lay("voz.es.vtt", WEBVTT)
    home.run()
    return home


@pytest.mark.parametrize("key", ["march/voz.html", "march/voz/transcript.es.html"])
def test_a_click_on_a_time_goes_there(spoken: Home, key: str) -> None:
    """On the item's page and on the transcript's own; by its address, too."""
    with chromium() as browser, serving(spoken.root / "published") as origin:
        with visiting(browser, f"{origin}/{key}") as (page, _):
            page.locator('[data-nr-t="4.5"]').click()
            page.wait_for_function(f"{NOW} >= 4.4", timeout=60_000)
            page.wait_for_selector('.nr-words [data-nr-t="4.5"][aria-current]', timeout=60_000)
            assert page.locator(".nr-words [aria-current]").count() == 1
        with visiting(browser, f"{origin}/{key}#t=4.5") as (page, _):
            page.locator(".nr-media").evaluate("media => media.play()")
            page.wait_for_function(f"{NOW} >= 4.4", timeout=60_000)
