"""How much of the time of a slow system is spent in waiting for it: one stream that is asked page by page."""

from collections.abc import Iterator
from http.client import HTTPConnection

from gtm_platform_tests.bench.contacts import PAGE
from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.rounds import in_child
from gtm_platform_tests.bench.server import serving

OURS, BARE = "gtm_platform_tests.bench.ours:land", f"{__name__}:read"
WAIT = 0.2  # seconds that each page takes


def measure(effort: Effort) -> Iterator[Row]:
    few, many = 10, effort.of(160, 30)
    what = f"one stream, pages of {PAGE}, {WAIT * 1000:.0f} ms each"
    with serving(WAIT) as url:
        seconds, bare = (_page(url, function, few, many) for function in (OURS, BARE))
    yield Row(what, "pages/s", 1 / seconds, Target("≥", 0.95), "the bound", 1 / WAIT)
    yield Row(what, "pages/s", 1 / seconds, None, "a client that only reads", 1 / bare)
    yield Row(what, "ms of our own a page", (seconds - WAIT) * 1000)


def _page(url: str, function: str, few: int, many: int) -> float:
    """Seconds a page, from the difference of a long stream and a short one: what comes once, at the start and at the
    end, counts for nothing."""
    short, long = (in_child(function, url=url, records=pages * PAGE) for pages in (few, many))
    return (long.seconds - short.seconds) / (many - few)


def read(url: str, records: int) -> None:
    connection = HTTPConnection(url.removeprefix("http://"))
    for page in range(records // PAGE):
        connection.request("GET", f"/{records}/contacts?after={page}")
        connection.getresponse().read()


FIGURE = Figure("latency", "A slow system is asked again without delay: 95 % of what its latency allows.", measure)
