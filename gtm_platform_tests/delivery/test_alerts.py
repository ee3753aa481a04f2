"""What is worth an alert, and that the same fact is one alert."""

from datetime import date, timedelta

import pytest

from gtm_platform.delivery.alerts.alerts import HEALTH_DROP, cancel_mentions, health_drops
from gtm_platform.state.slack_journal import Entry, Fact
from gtm_platform_tests.delivery.rows import DAY, MENTIONED, customer, health

FIRST = date(2026, 11, 1)


def test_a_cancel_mention_is_one_fact_for_each_time() -> None:
    [fact] = cancel_mentions(DAY, [customer(cancel_mentioned_at=MENTIONED)], days=30)
    assert fact.fingerprint == "cancel_mention:c1:2026-11-19T14:30:05Z"

    [again] = cancel_mentions("2026-11-21", [customer(cancel_mentioned_at=MENTIONED)], days=30)
    assert again.fingerprint == fact.fingerprint

    [anew] = cancel_mentions(DAY, [customer(cancel_mentioned_at=MENTIONED + timedelta(hours=1))], days=30)
    assert anew.fingerprint != fact.fingerprint


@pytest.mark.parametrize(
    "quiet",
    [
        customer(),
        customer(cancel_mentioned_at=MENTIONED - timedelta(days=29)),
        customer(cancel_mentioned_at=MENTIONED, is_customer=False),
    ],
)
def test_no_mention_an_old_one_or_no_customer_is_no_alert(quiet: dict[str, object]) -> None:
    assert cancel_mentions(DAY, [quiet], days=30) == []


def alerted_on(scores: list[int], points: int = 15, days: int = 7) -> list[int]:
    """The days, counted from 0, on which a customer with these scores is alerted, delivering every day."""
    said: dict[str, Entry] = {}
    found = []
    dates = [(FIRST + timedelta(days=n)).isoformat() for n in range(len(scores))]
    for n, day in enumerate(dates):
        past = {dates[k]: [health(score=scores[k])] for k in range(max(0, n - days), n)}
        for fact in health_drops(day, [health(score=scores[n])], past, said, points):
            said["c1"] = entry(fact)
            found.append(n)
    return found


def entry(fact: Fact) -> Entry:
    return Entry(fact.fingerprint, fact.kind, fact.customer_id, fact.day, fact.facts, 1, "sent")


@pytest.mark.parametrize(
    ("story", "scores", "days"),
    [
        ("steady", [80, 80, 80], []),
        ("a first day has nothing to fall from", [20], []),
        ("a full drop within the best status", [100, 85, 85, 85], [1]),
        ("one point less is none", [100, 86, 86], []),
        ("a worse status without a full drop", [71, 69, 69, 69], [1]),
        ("a drop that goes on for more than a week is said once", [90, *[60] * 12], [1]),
        ("a slow fall adds up", [90, 87, 84, 81, 78, 75, 72], [5]),
        ("too slow a fall within a status is none", [100, *[98 - 2 * (n // 2) for n in range(20)]], []),
        ("a fall that goes on is said again after another full drop", [100, 84, 80, 75, 70], [1]),
        ("and said again", [100, 84, 80, 75, 69], [1, 4]),
        ("each worse status is said", [90, 65, 60, 45, 29], [1, 3, 4]),
        ("after a recovery it is news again", [75, 55, 75, 75, 55], [1, 4]),
        ("a half recovery is not another drop", [90, 65, 71, 71, 71], [1]),
    ],
)
def test_a_health_drop_is_said_once_until_it_is_news_again(story: str, scores: list[int], days: list[int]) -> None:
    assert alerted_on(scores) == days, story


def test_a_drop_is_found_even_if_the_day_it_happened_was_never_delivered() -> None:
    past = {"2026-11-17": [health(score=80)], "2026-11-18": [health(score=60)], "2026-11-19": [health(score=60)]}
    [fact] = health_drops(DAY, [health(score=60)], past, {}, 15)
    assert fact.facts == {"score": 60, "status": "at_risk", "from_score": 80, "from_status": "healthy"}
    assert fact.fingerprint == f"{HEALTH_DROP}:c1:{DAY}"


def test_a_customer_who_is_new_has_not_fallen() -> None:
    assert health_drops(DAY, [health("new", score=10)], {"2026-11-19": [health("old", score=90)]}, {}, 15) == []
