"""The page about sizes that nobody ran: its tables are computed, from figures that docs/performance.md has."""

import pytest

from gtm_platform_tests.bench import on_paper
from gtm_platform_tests.bench.__main__ import ROOMS
from gtm_platform_tests.bench.on_paper import MEASURED, Measured, days_of_calls, ends, page

MEASUREMENTS = " ".join(on_paper.MEASUREMENTS.read_text().split())
# By hand, with a pencil: the arithmetic of the page for 10 million customers.
TEN_MILLION = {
    "tables of a day, core hours at most": "0.76",  # (155 - 18) s x 2 cores x 10 / 3,600
    "memory in which they need no disk": "65 GB",  # 6.5 x 10
    "source records": "86 million",
    "served snapshot: memory while it is made": "98 GB",  # 0.975 x 100
    "HubSpot listed whole: calls": "100 thousand",  # a hundred contacts a call
    "HubSpot listed whole: time": "90 minutes",  # 100,000 / 18.6 s, within the calls of a day
    "first delivery of all contacts: calls": "200 thousand",  # 1,213 / 60,000 each
    "first delivery of all contacts: time": "2.8 hours",  # 61.2 s x 10,000,000 / 60,000
}


def test_the_tables_of_the_page_are_what_is_computed() -> None:
    """`python -m gtm_platform_tests.bench.on_paper` writes them anew."""
    text = on_paper.PAGE.read_text()
    assert text == page(text)


@pytest.mark.parametrize("figure", MEASURED, ids=lambda figure: figure.words[:30])
def test_each_figure_stands_in_the_measurements_by_these_words(figure: Measured) -> None:
    assert figure.words in MEASUREMENTS


def test_the_page_says_what_a_pencil_says() -> None:
    lines = {line.what: line.of(10_000_000) for line in on_paper.LINES}
    assert {what: lines[what] for what in TEN_MILLION} == TEN_MILLION


def test_calls_beyond_those_of_a_day_wait_for_the_next() -> None:
    a_day = on_paper.HUBSPOT_CALLS_A_DAY
    assert days_of_calls(a_day, 43_200) == 0.5
    assert days_of_calls(2 * a_day, 86_400) == 1.5  # half of the second day
    assert days_of_calls(10, 864_000) == 10  # what is slow is slow


def test_what_ends_ends_where_it_is_said_to() -> None:
    """At the size that the page names it just fits, and a hundredth more does not."""
    sizes = {what: at for at, what, _ in ends()}
    at = next(size for what, size in sizes.items() if "listed whole" in what)
    assert on_paper.whole_read_days(at * 0.99) < on_paper.FULL_DAYS < on_paper.whole_read_days(at * 1.01)
    assert list(sizes.values()) == sorted(sizes.values())


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no marks for the table sizes"):
        page("# On paper")


def test_every_measurement_can_be_begun() -> None:
    """One that imported a name which was gone kept all of them from running."""
    assert {"marts", "graph", "hot"} <= {room.__name__.split(".")[-1] for room in ROOMS}
