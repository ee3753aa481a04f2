"""Every page in a real browser, wide and on a phone: it comes to rest, shows no exception, and is not blank."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from gtm_platform.cli.processes import child_process, free_port
from gtm_platform.dashboard import process
from gtm_platform.dashboard.frame.page import discover
from gtm_platform_tests.dashboard.conftest import WATCHED

pytestmark = pytest.mark.soak

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"  # its browser takes those of the docs
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
QUERIES = {"customer": f"?id={WATCHED}", "company": "?id=com_000004"}
WIDTHS = {"wide": 1440, "phone": 390}
LEAST_COLOURS = 12  # of a page with text, cards and a chart; an empty one has fewer


@pytest.fixture(scope="module")
def address(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, log = free_port(process.USUAL_PORT), tmp_path_factory.mktemp("log") / "dashboard.log"
    environment = os.environ | {"GTM_HOME": str(home)}
    with child_process("The dashboard", process.command(port), environment, log):
        with httpx.Client(transport=httpx.HTTPTransport(retries=20), trust_env=False, timeout=60) as client:
            client.get(f"{process.address(port)}/_stcore/health").raise_for_status()
        yield process.address(port)
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(PICTURES), *sys.path])
        from browser import opened  # type: ignore[import-not-found]

        with opened(CHROMIUM) as tab:
            yield tab


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("page", discover())
def test_a_page_is_drawn(browser: Any, address: str, tmp_path: Path, page: str, width: int) -> None:
    path = "" if page == "overview" else page.replace("_", "-") + QUERIES.get(page, "")
    picture = tmp_path / "page.png"
    browser.photograph(f"{address}/{path}", picture, width, phone=width == WIDTHS["phone"])
    with Image.open(picture) as drawn:
        assert len(drawn.convert("RGB").getcolors(drawn.width * drawn.height)) >= LEAST_COLOURS
