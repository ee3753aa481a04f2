"""What is worth an alert about a customer, and that the same fact is one alert."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.delivery.alerts import kinds
from gtm_platform.delivery.alerts.alert import Alert, Occurrence
from gtm_platform.delivery.alerts.customer_day import CustomerDay
from gtm_platform.delivery.alerts.customer_wording import COLUMNS
from gtm_platform.delivery.alerts.kinds import (
    cancel_mention,
    cancellation_scheduled,
    discover,
    engagement_drop,
    health_drop,
    payment_failed,
    routed,
)
from gtm_platform.policy import policy
from gtm_platform.state.slack_journal import Entry, Fact
from gtm_platform.unified.customers import CONTRACT
from gtm_platform_tests.delivery.rows import DAY, MENTIONED, customer, health, status_of

FIRST = date(2026, 11, 1)

Row = dict[str, Any]


def observed(
    day: str,
    rows: Sequence[Row],
    past: Mapping[str, Sequence[Row]] = {},
    last: Mapping[str, Entry] = {},
    kind: str = health_drop.KIND,
) -> CustomerDay:
    by_day = {earlier: {row["customer_id"]: row for row in their} for earlier, their in past.items()}
    return CustomerDay(day, rows, by_day, {kind: last}, policy())


def entry(fact: Fact) -> Entry:
    return Entry(
        fact.fingerprint, fact.kind, fact.subject_kind, fact.subject_id, fact.day, fact.facts, id=1, status="sent"
    )


def alerted_on(alert: Alert[CustomerDay], rows: Sequence[Row], days: int = 7) -> list[int | str]:
    """The days, counted from 0, on which a customer with these rows is alerted, delivering every day.

    A recovery is "+" and the day.
    """
    last: dict[str, Entry] = {}
    alerted: list[int | str] = []
    dates = [(FIRST + timedelta(days=n)).isoformat() for n in range(len(rows))]
    for n, day in enumerate(dates):
        past = {dates[k]: [rows[k]] for k in range(max(0, n - days), n)}
        for fact in alert.facts_of(observed(day, [rows[n]], past, last, alert.kind), day):
            last["c1"] = entry(fact)
            alerted.append(f"+{n}" if fact.facts.get("recovered") else n)
    return alerted


def test_a_cancel_mention_is_one_fact_for_each_time() -> None:
    def fingerprint(day: str, at: datetime) -> str:
        [fact] = cancel_mention.ALERT.facts_of(observed(day, [customer(cancel_mentioned_at=at)]), day)
        return fact.fingerprint

    first = fingerprint(DAY, MENTIONED)
    assert first == "cancel_mention:c1:2026-11-19T14:30:05Z"
    assert fingerprint("2026-11-21", MENTIONED) == first
    assert fingerprint(DAY, MENTIONED + timedelta(hours=1)) != first


@pytest.mark.parametrize("quiet", [customer(), customer(cancel_mentioned_at=MENTIONED - timedelta(days=29))])
def test_no_mention_or_an_old_one_is_no_alert(quiet: Row) -> None:
    assert list(cancel_mention.detect(observed(DAY, [quiet]))) == []


@pytest.mark.parametrize(
    ("story", "scores", "days"),
    [
        ("steady", [80, 80, 80], []),
        ("a first day has nothing to fall from", [20], []),
        ("a full drop within the best status", [100, 85, 85, 85], [1]),
        ("one point less is none", [100, 86, 86], []),
        ("a worse status without a full drop", [71, 65, 65, 65], [1]),
        ("a worse status just below its border is none", [71, 66, 66, 69, 71, 66], []),
        ("a border that is passed slowly", [72, 69, 67, 65], [3]),
        ("a drop that goes on for more than a week is sent once", [90, *[60] * 12], [1]),
        ("a slow fall adds up", [90, 87, 84, 81, 78, 75, 72], [5]),
        ("too slow a fall within a status is none", [100, *[98 - 2 * (n // 2) for n in range(20)]], []),
        ("a fall that goes on is sent again after another full drop", [100, 84, 80, 75, 70], [1]),
        ("and sent again", [100, 84, 80, 75, 69], [1, 4]),
        ("each worse status is sent", [90, 65, 60, 45, 25], [1, 3, 4]),
        ("after a recovery it is news again", [75, 55, 75, 75, 55], [1, "+2", 4]),
        ("back but for a point of the margin", [90, 65, 84, 85, 85], [1, "+3"]),
        ("a recovery after weeks", [90, *[60] * 20, 88, 88], [1, "+21"]),
        ("a half recovery is not another drop", [90, 65, 71, 71, 71], [1]),
        ("two borders at once", [71, 49], [1]),
    ],
)
def test_a_health_drop_is_sent_once_until_it_is_news_again(
    story: str, scores: list[int], days: list[int | str]
) -> None:
    assert alerted_on(health_drop.ALERT, [health(score=score) for score in scores]) == days, story


def test_a_drop_is_noticed_even_if_the_day_it_happened_was_never_delivered() -> None:
    past = {"2026-11-17": [health(score=80)], "2026-11-18": [health(score=60)], "2026-11-19": [health(score=60)]}
    [fact] = health_drop.ALERT.facts_of(observed(DAY, [health(score=60)], past), DAY)
    assert fact.facts == {"score": 60, "status": "at_risk", "from_score": 80, "from_status": "healthy"}
    assert fact.fingerprint == f"health_drop:c1:{DAY}"


def test_a_customer_who_is_new_or_had_no_health_has_not_fallen() -> None:
    past = {"2026-11-19": [health("old", score=90), {"customer_id": "new", "health_score": None}]}
    assert list(health_drop.detect(observed(DAY, [health("new", score=10)], past))) == []


def leaving(status: str | None) -> Row:
    ends_at = datetime(2026, 12, 31, tzinfo=UTC)
    return {"customer_id": "c1", "customer_status": status, "current_period_end": ends_at}


@pytest.mark.parametrize(
    ("story", "statuses", "days"),
    [
        ("never", ["active", "active"], []),
        ("set to end", ["active", "leaving", "leaving", *["leaving"] * 9], [1]),
        ("taken back, and set again", ["active", "leaving", "active", "leaving"], [1, "+2", 3]),
        ("taken back weeks later", ["active", *["leaving"] * 20, "active", "active"], [1, "+21"]),
        ("already so when it was first seen", ["leaving", "leaving"], []),
        ("days made before the column existed", [None, "leaving"], []),
        ("out of a trial", ["trial", "leaving"], [1]),
    ],
)
def test_a_cancellation_is_sent_when_it_is_scheduled(
    story: str, statuses: list[str | None], days: list[int | str]
) -> None:
    assert alerted_on(cancellation_scheduled.ALERT, [leaving(status) for status in statuses]) == days, story


def test_a_cancellation_says_when_it_ends() -> None:
    past = {"2026-11-19": [leaving("active")]}
    [fact] = cancellation_scheduled.ALERT.facts_of(observed(DAY, [leaving("leaving")], past), DAY)
    assert "on 2026-12-31" in cancellation_scheduled.ALERT.why(fact.facts)  # type: ignore[operator]


def pays(failed: int | None = 0, delinquent: bool | None = False) -> Row:
    return {"customer_id": "c1", "failed_payments_30d": failed, "is_delinquent": delinquent}


@pytest.mark.parametrize(
    ("story", "rows", "days"),
    [
        ("pays", [pays(), pays()], []),
        ("nobody bills", [pays(None, None), pays(None, None)], []),
        ("fails once", [pays(), pays(1), pays(1), pays(1)], [1]),
        ("a card that is tried again is no news", [pays(), pays(1), pays(2), pays(4)], [1]),
        ("worse: overdue too", [pays(), pays(1), pays(2, True), pays(3, True)], [1, 2]),
        ("overdue at once", [pays(), pays(1, True), pays(1, True)], [1]),
        ("overdue, and settled", [pays(), pays(1, True), pays(1), pays(0), pays(1, True)], [1, "+2", 4]),
        ("paid, and failed again", [pays(), pays(1), pays(0), pays(1)], [1, 3]),
        ("so when it was first seen", [pays(2, True), pays(2, True)], []),
        ("it ages out of the window, and is no news", [pays(), pays(2), *[pays(1)] * 9], [1]),
    ],
)
def test_a_failed_payment_is_sent_once_until_it_gets_worse(story: str, rows: list[Row], days: list[int | str]) -> None:
    assert alerted_on(payment_failed.ALERT, rows) == days, story


def uses(logins: int | None, before: int | None = 40) -> Row:
    return {"customer_id": "c1", "logins_7d": logins, "logins_28d_before": before}


@pytest.mark.parametrize(
    ("story", "rows", "days"),
    [
        ("as before", [uses(10), uses(9)], []),
        ("half of the weekly mean", [uses(10), uses(5), uses(5), *[uses(4)] * 9], [1]),
        ("one more than half", [uses(10), uses(6), uses(6)], []),
        ("nobody counts", [uses(None, None), uses(None, None)], []),
        ("too seldom before to say", [uses(1, 3), uses(0, 3)], []),
        ("so when it was first seen", [uses(0), uses(0)], []),
        ("worse: none at all", [uses(10), uses(5), uses(3), uses(0), uses(0)], [1, 3]),
        ("none at once", [uses(10), uses(0), uses(1)], [1]),
        ("about the border", [uses(10), uses(5), uses(6), uses(5), uses(6), uses(5)], [1]),
        ("back", [uses(10), uses(5), uses(7), uses(8), uses(8)], [1, "+3"]),
        ("and down again", [uses(10), uses(5), uses(8), uses(4)], [1, "+2", 3]),
        ("little has become usual, which is no recovery", [uses(10), uses(4), *[uses(4, 16)] * 30], [1]),
        ("and falls from there", [uses(10), uses(4), *[uses(4, 16)] * 30, uses(2, 16)], [1, 32]),
    ],
)
def test_falling_use_is_sent_once_until_it_stops_or_is_back(story: str, rows: list[Row], days: list[int | str]) -> None:
    assert alerted_on(engagement_drop.ALERT, rows) == days, story


def test_every_kind_is_discovered_with_its_route() -> None:
    customers = {"cancel_mention", "cancellation_scheduled", "engagement_drop", "health_drop", "payment_failed"}
    companies = {"cohort_transition", "competitor_displacement", "expansion_opportunity"}
    assert set(routed("customers")) == customers | companies
    ops = {
        "canary_late",
        "check_turned",
        "file_dropped",
        "hook_trouble",
        "hubspot_delivery",
        "late_schedule",
        "model_result",
        "run_failed",
    }
    ops |= {"sensor_failing", "stale_asset", "webhooks_lost"}
    assert set(routed("ops")) == ops
    summaries = {"daily_summary", "weekly_summary"}
    assert set(routed("summaries")) == summaries
    assert set(discover()) == customers | companies | ops | summaries


def test_an_alert_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "large_customer.py").write_text(
        """
from gtm_platform.delivery.alerts.alert import Alert, Occurrence

ALERT = Alert(
    kind="large_customer",
    subject="customer",
    detect=lambda day: [Occurrence(row["customer_id"], "", {}) for row in day.customers if row["mrr"] > 1000],
    title="Large customer",
    why="Pays more than 1,000 a month.",
    advice="Say thank you.",
    severity="info",
    route="customers",
)
"""
    )
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    [fact] = routed("customers")["large_customer"].facts_of(observed(DAY, [customer()]), DAY)
    assert (fact.fingerprint, fact.subject_kind, fact.subject_id) == ("large_customer:c1", "customer", "c1")


def test_a_fingerprint_fits_the_journal_however_long_the_mark_is() -> None:
    alert = cancel_mention.ALERT
    marks = [alert._fingerprint(Occurrence("c1", letter * 300, {})) for letter in "ab"]
    assert all(len(mark) <= 200 for mark in marks)
    assert len(set(marks)) == 2


def test_the_statuses_are_those_of_the_policy() -> None:
    assert list(health_drop.STATUSES) == list(policy().health.status.model_dump())
    assert status_of(70) == "healthy"


def test_every_column_that_an_alert_reads_is_one_of_the_customers() -> None:
    """One that is not would be null for everybody, as is a column that an old day was made without."""
    columns = {*COLUMNS, *(name for alert in routed("customers").values() for name in (*alert.columns, *alert.history))}
    assert columns <= set(CONTRACT.columns)
