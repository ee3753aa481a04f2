"""The truncation guard, for each kind of full refresh: what it refuses, lets through, and how a purge is accepted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gtm_platform.ingest.stream_sync import StreamSync, WindowResult
from gtm_platform.ingest.truncation import ShrankTooMuch, refuse_shrinkage
from gtm_platform_tests.ingest import test_stream_sync as test_sync
from gtm_platform_tests.ingest.syncing import RULES, Syncing
from gtm_platform_tests.ingest.test_stream_sync import Sky, day

clock, syncing, sky = test_sync.clock, test_sync.syncing, test_sync.sky

# How a stream comes to be read whole: on which day after the first, and whether a person asks for it.
KINDS = {
    "weekly, of an incremental stream": ("planets", 7, False),
    "of the same window again": ("planets", 0, False),
    "by hand, of an incremental stream": ("planets", 3, True),
    "each time": ("maps", 1, False),
    "each time, by hand": ("maps", 1, True),
}
each_kind = pytest.mark.parametrize(("stream", "number", "by_hand"), KINDS.values(), ids=KINDS)


def fill(
    syncing: Syncing, sky: Sky, stream: str, number: int, *, by_hand: bool = False, accept: bool = False
) -> WindowResult:
    syncing.clock.now = day(number + 1, 0.25)
    chosen = next(each for each in syncing.source.streams if each.name == stream)
    sync = StreamSync(
        syncing.lake, syncing.source, chosen, RULES, syncing.clock(), "run_1", by_hand, accept_shrinkage=accept
    )
    return sync.sync(sky, [syncing.slot(day(number))])[-1]


def rows(syncing: Syncing, stream: str, number: int) -> int:
    return len(syncing.current_keys(stream, day(number + 1)))


def crowd(sky: Sky, count: int) -> None:
    """An account of so many records, all old."""
    sky.planets = {}
    for number in range(count):
        sky.put(f"planet{number}", day(-3) - timedelta(minutes=number))


@pytest.mark.faults("P22")
@each_kind
def test_a_snapshot_that_lost_more_than_the_share_replaces_nothing(
    syncing: Syncing, sky: Sky, stream: str, number: int, by_hand: bool
) -> None:
    crowd(sky, 1000)
    fill(syncing, sky, stream, 0)
    everything = sky.planets
    sky.planets = dict(list(everything.items())[:799])
    with pytest.raises(ShrankTooMuch, match="holds 799 records where 1000 were known: 201 gone is 20%"):
        fill(syncing, sky, stream, number, by_hand=by_hand)
    assert rows(syncing, stream, number) == 1000
    sky.planets = everything
    assert fill(syncing, sky, stream, number, by_hand=by_hand).rows == 1000


@each_kind
def test_a_loss_within_the_share_is_believed(
    syncing: Syncing, sky: Sky, stream: str, number: int, by_hand: bool
) -> None:
    crowd(sky, 1000)
    fill(syncing, sky, stream, 0)
    sky.planets = dict(list(sky.planets.items())[:800])
    assert fill(syncing, sky, stream, number, by_hand=by_hand).rows == 800


@pytest.mark.faults("P22")
@each_kind
def test_a_purge_that_a_person_accepts_is_believed_once(
    syncing: Syncing, sky: Sky, stream: str, number: int, by_hand: bool
) -> None:
    crowd(sky, 500)
    fill(syncing, sky, stream, 0)
    sky.planets = dict(list(sky.planets.items())[:200])
    assert fill(syncing, sky, stream, number, by_hand=by_hand, accept=True).rows == 200
    sky.planets = {}
    with pytest.raises(ShrankTooMuch, match="holds 0 records where 200 were known"):
        fill(syncing, sky, stream, number, by_hand=by_hand)
    assert rows(syncing, stream, number) == 200


@pytest.mark.faults("P22")
@pytest.mark.parametrize("by_hand", [False, True])
def test_an_appended_stream_never_loses_what_its_system_no_longer_has(
    syncing: Syncing, sky: Sky, by_hand: bool
) -> None:
    crowd(sky, 300)
    fill(syncing, sky, "sightings", 0)
    sky.planets = {}
    fill(syncing, sky, "sightings", 1, by_hand=by_hand)
    assert rows(syncing, "sightings", 1) == 300


def test_the_refusal_says_what_how_many_and_what_to_do() -> None:
    with pytest.raises(ShrankTooMuch) as refused:
        refuse_shrinkage("sky/planets", "2026-03-08", before=1000, now=400, rules=RULES)
    sentence = str(refused.value)
    assert "sky/planets" in sentence
    assert "400 records where 1000 were known: 600 gone is 60%" in sentence
    assert sentence.endswith("gtm run sky/planets --partition 2026-03-08 --full-refresh --accept-shrinkage")


@pytest.mark.parametrize(
    ("before", "now", "refused"),
    [(0, 0, False), (3, 0, True), (60, 10, False), (101, 1, False), (102, 1, True), (1000, 800, False)],
)
def test_few_records_may_go_unless_none_is_left(before: int, now: int, refused: bool) -> None:
    try:
        refuse_shrinkage("sky/planets", "2026-03-08", before, now, RULES)
    except ShrankTooMuch:
        assert refused
    else:
        assert not refused


def test_the_share_is_the_policys() -> None:
    refuse_shrinkage("sky/planets", "2026-03-08", 1000, 400, replace(RULES, max_shrinkage=0.6))
