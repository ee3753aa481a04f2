"""Calls by what became of them: borders of the windows, what is still to come, and what the last one was about."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gtm_platform.core import call_tone, calls
from gtm_platform_tests.tables import DAY, by, computed, days_ago, filled

MIDNIGHT = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(days=1)
HALF_AN_HOUR = timedelta(minutes=30)
DANA, ERIN = "dana@acme.example", "erin@acme.example"
COUNTS = ("calls_booked_90d", "calls_held_90d", "calls_no_show_90d", "calls_cancelled_90d")
Row = dict[str, Any]


def booking(id: str, start: datetime, email: str = DANA, **details: Any) -> Row:
    hosts = [{"user_id": "1", "name": "Sam", "email": "sam@us.example"}]
    call = {"id": id, "email": email, "starts_at": start, "ends_at": start + HALF_AN_HOUR, "status": "active"}
    return {**call, "hosts": hosts, "is_internal": False, **details}


def recording(id: str, start: datetime, summary: str | None, emails: tuple[str, ...] = (DANA,)) -> Row:
    return {
        "id": id,
        "starts_at": start,
        "ends_at": start + HALF_AN_HOUR,
        "summary": summary,
        "external_emails": list(emails),
    }


def customers(
    bookings: list[Row], recordings: list[Row] | None = None, tones: dict[str, float] | None = None
) -> dict[str, Row]:
    owners = {DANA: "a", ERIN: "b", "dana@home.example": "a"}
    table = computed(
        calls.table,
        "core/calls",
        people=filled("identity/people", {"customer_id": "a"}, {"customer_id": "b"}),
        links=filled(
            "identity/links",
            *[
                {"source": source, "record_id": email, "customer_id": customer, "match_method": "email"}
                for source in ("calendly", "fathom")
                for email, customer in owners.items()
            ],
        ),
        bookings={"calendly": filled("calendly/invitees", *bookings)},
        recordings={"fathom": filled("fathom/meetings", *(recordings or []))},
        tones=filled("core/call_tone", *[{"call": call, "tone": tone} for call, tone in (tones or {}).items()]),
        day=DAY,
    )
    return by("customer_id", table)


def counts(row: Row) -> tuple[int | None, ...]:
    return tuple(row[name] for name in COUNTS)


def test_each_call_by_what_became_of_it() -> None:
    row = customers(
        [
            booking("held", days_ago(3)),
            booking("other address", days_ago(4), "dana@home.example"),
            booking("missed", days_ago(5), no_show_at=days_ago(4)),
            booking("called off", days_ago(6), status="canceled"),
            booking("moved", days_ago(7), status="canceled", rescheduled=True),
            booking(
                "moved after it was missed", days_ago(7), status="canceled", rescheduled=True, no_show_at=days_ago(6)
            ),
        ]
    )["a"]
    assert counts(row) == (4, 2, 1, 1)
    assert row["call_show_rate"] == pytest.approx(2 / 3)
    assert row["last_call_at"] == days_ago(3)
    assert row["next_call_at"] is None


def test_counts_are_zero_for_whom_nobody_called_and_null_without_any_call() -> None:
    rows = customers([booking("1", days_ago(1))])
    assert counts(rows["b"]) == (0, 0, 0, 0)
    assert rows["b"]["call_show_rate"] is rows["b"]["last_call_at"] is None
    assert counts(customers([])["a"]) == (None, None, None, None)


def test_invitees_of_our_own_do_not_count() -> None:
    assert counts(customers([booking("trial", days_ago(1), is_internal=True)])["a"]) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (MIDNIGHT - timedelta(days=90), (1, 1)),
        (MIDNIGHT - timedelta(days=90, seconds=1), (0, 0)),
        (MIDNIGHT - HALF_AN_HOUR - timedelta(seconds=1), (1, 1)),
        (MIDNIGHT - timedelta(minutes=10), (1, 0)),  # goes on
        (MIDNIGHT, (0, 0)),
    ],
)
def test_the_borders_of_the_window(start: datetime, expected: tuple[int, int]) -> None:
    assert counts(customers([booking("1", start)])["a"])[:2] == expected


def test_the_last_and_the_next_call_of_all_time_and_who_held_the_last() -> None:
    other = [{"user_id": "2", "name": "Kim", "email": "kim@us.example"}]
    row = customers(
        [
            booking("old", days_ago(300)),
            booking("last", days_ago(200), hosts=[*other, {"user_id": "1", "name": "Sam", "email": None}]),
            booking("missed", days_ago(100), no_show_at=days_ago(99)),
            booking("called off", MIDNIGHT, status="canceled"),
            booking("next", MIDNIGHT + timedelta(days=2)),
            booking("later", MIDNIGHT + timedelta(days=3)),
        ]
    )["a"]
    assert (row["last_call_at"], row["next_call_at"]) == (days_ago(200), MIDNIGHT + timedelta(days=2))
    assert (row["last_call_host"], row["last_call_host_email"]) == ("Kim", "kim@us.example")
    assert row["last_call_source"] == "calendly"


def test_the_summary_is_of_the_last_recorded_call_that_has_one() -> None:
    recordings = [
        recording("1", days_ago(9), "older"),
        recording("2", days_ago(5), "newest", (DANA, ERIN)),
        recording("3", days_ago(2), None),
        recording("4", MIDNIGHT, "of tomorrow"),
    ]
    rows = customers([], recordings)
    assert rows["a"]["last_call_summary"] == rows["b"]["last_call_summary"] == "newest"


def test_the_tone_is_the_mean_of_90_days() -> None:
    recordings = [recording(str(days), days_ago(days), None) for days in (1, 2, 95)]
    rows = customers([], recordings, {"fathom:1": 0.5, "fathom:2": -0.1, "fathom:95": -1})
    assert rows["a"]["call_tone_90d"] == pytest.approx(0.2)
    assert rows["b"]["call_tone_90d"] is None


def test_words_are_judged_once_and_again_when_they_change() -> None:
    def day(words: dict[str, str | None], previous: Any) -> dict[str, Row]:
        rows = [{"id": id, "starts_at": days_ago(3), "external_words": text} for id, text in words.items()]
        rows.append({"id": "old", "starts_at": days_ago(91), "external_words": "Excellent."})
        transcripts = {"fathom": filled("fathom/transcripts", *rows)}
        return by(
            "call",
            computed(call_tone.table, "core/call_tone", transcripts=transcripts, previous=previous, day=DAY),
        )

    first = day({"1": "The exports are excellent.", "2": "This was frustrating.", "3": None}, filled("core/call_tone"))
    assert set(first) == {"fathom:1", "fathom:2"}
    assert first["fathom:1"]["tone"] > 0 > first["fathom:2"]["tone"]
    kept = [{**row, "tone": 0.125} for row in first.values()]
    second = day({"1": "The exports are excellent.", "2": "Now it is excellent."}, filled("core/call_tone", *kept))
    assert second["fathom:1"]["tone"] == 0.125
    assert second["fathom:2"]["tone"] > 0.5


def test_no_words_are_in_the_daily_tables() -> None:
    columns = set(calls.CONTRACT.columns) | set(call_tone.CONTRACT.columns)
    assert not [name for name in columns if "words" in name or "transcript" in name]
