"""Who gets which alerts, when: by what is at stake, so many a day, in quiet hours none; and where they go."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.delivery.alerts.access import unreachable, unrouted
from gtm_platform.delivery.alerts.kinds import routed
from gtm_platform.delivery.alerts.portions import Portion, portions
from gtm_platform.delivery.alerts.quiet_hours import is_quiet
from gtm_platform.delivery.alerts.sender import AlertSender, SendReport
from gtm_platform.delivery.alerts.slack_client import SlackChannel
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox import slack
from gtm_platform.sandbox.slack.store import ALERT_CHANNEL, SlackStore
from gtm_platform.state import State
from gtm_platform.state.slack_journal import Entry, Fact
from gtm_platform_tests.delivery.composing import alert_rules, compose
from gtm_platform_tests.delivery.rows import DAY, customer
from gtm_platform_tests.delivery.world import NOW, Watched, served
from gtm_platform_tests.tables import filled

DROP = {"score": 55, "status": "at_risk", "from_score": 75, "from_status": "healthy"}
SAM, KIM = "sam@acme.example", "kim@acme.example"
SAMS_CHANNEL, KIM_HERSELF = "C0SAMS00001", "U0KIM000001"
MANAGERS = {SAM: {"slack": SAMS_CHANNEL, "time_zone": "America/New_York"}, KIM: {"slack": KIM_HERSELF}}
NIGHT = ["20:00", "08:00"]


def at_stake(id: str, risk: int, mrr: int, manager: str | None = SAM) -> dict[str, Any]:
    return customer(id, churn_risk=risk, mrr_reporting=Decimal(mrr), assigned_am_email=manager, name=id)


def entry(id: str, at: datetime = NOW, **more: Any) -> Entry:
    fact = Fact(f"health_drop:{id}:{DAY}", "health_drop", "customer", id, DAY, DROP)
    return Entry(**{**fact.__dict__, "id": int(id[1:]), "status": "intent", "at": at, **more})


def shares(people: list[dict[str, Any]], now: datetime = NOW, **how: Any) -> dict[str, Portion]:
    entries = how.pop("entries", [entry(row["customer_id"]) for row in people])
    sent, rules = how.pop("sent", []), alert_rules(account_managers=MANAGERS, **how)
    known = {row["customer_id"]: row for row in people}
    given = portions(entries, sent, known, routed("customers"), rules, now)
    return {portion.recipient: portion for portion in given}


def ids(entries: list[Entry]) -> list[str]:
    return [entry.subject_id for entry in entries]


def test_what_is_most_at_stake_is_sent_by_itself_and_the_rest_is_in_the_digest() -> None:
    people = [at_stake("c1", 90, 10), at_stake("c2", 10, 1000), at_stake("c3", 50, 1000), at_stake("c4", 1, 1)]
    share = shares(people, max_a_day=2)[SAMS_CHANNEL]
    assert (ids(share.single), ids(share.digest)) == (["c3", "c2"], ["c1", "c4"])


def test_the_number_is_for_each_manager_also_in_one_channel_and_counts_what_was_sent_today() -> None:
    people = [at_stake(f"c{n}", 50, 100 - n, f"{n % 2}@acme.example") for n in range(1, 7)]
    sent = [entry("c1", status="sent", sent_at=NOW - timedelta(hours=2), text_hash="a")]
    later = [entry(f"c{n}") for n in range(2, 7)]
    share = shares(people, max_a_day=2, sent=sent, entries=later)[""]
    assert (ids(share.single), ids(share.digest)) == (["c2", "c3", "c4"], ["c5", "c6"])


def test_what_a_digest_said_or_yesterday_does_not_count() -> None:
    people = [at_stake("c1", 50, 1), at_stake("c2", 50, 1), at_stake("c3", 50, 1)]
    digested = [entry(id, status="sent", sent_at=NOW, text_hash="a") for id in ("c1", "c2")]
    yesterday = entry("c1", status="sent", sent_at=NOW - timedelta(hours=12), text_hash="b")
    share = shares(people, max_a_day=1, sent=[*digested, yesterday], entries=[entry("c3")])[SAMS_CHANNEL]
    assert ids(share.single) == ["c3"]


def test_a_storm_is_one_digest() -> None:
    people = [at_stake(f"c{n}", 50, n) for n in range(1, 13)]
    share = shares(people, max_a_day=100, digest_above=10)[SAMS_CHANNEL]
    assert (share.single, len(share.digest)) == ([], 12)


@pytest.mark.parametrize(
    ("hour", "zone", "quiet"),
    [
        (19, "UTC", False), (20, "UTC", True), (3, "UTC", True), (8, "UTC", False),
        (12, "America/New_York", True), (13, "America/New_York", False), (11, "Asia/Tokyo", True),
    ],
)  # fmt: skip
def test_quiet_hours_are_by_the_clock_of_the_manager(hour: int, zone: str, quiet: bool) -> None:
    at = datetime(2026, 11, 20, hour, tzinfo=UTC)
    assert is_quiet(at, alert_rules(quiet_hours=NIGHT), zone) == quiet
    assert not is_quiet(at, alert_rules(), zone)


def test_quiet_hours_within_a_day() -> None:
    rules = alert_rules(quiet_hours=["12:00", "14:00"])
    assert [is_quiet(datetime(2026, 11, 20, hour, tzinfo=UTC), rules, "UTC") for hour in (11, 12, 14)] == [
        False, True, False,
    ]  # fmt: skip


def test_in_quiet_hours_nothing_is_sent_and_at_their_end_a_digest() -> None:
    """It is 6:00 in UTC, where Kim is, and 1:00 in New York."""
    people = [at_stake("c1", 50, 1, SAM), at_stake("c2", 50, 2, KIM), at_stake("c3", 50, 3, KIM)]
    assert shares(people, quiet_hours=NIGHT) == {}
    morning = NOW + timedelta(hours=2)
    waiting = [entry("c1"), entry("c2"), entry("c3", at=morning)]
    share = shares(people, morning, quiet_hours=NIGHT, entries=waiting)
    assert list(share) == [KIM_HERSELF]
    assert (ids(share[KIM_HERSELF].single), ids(share[KIM_HERSELF].digest)) == (["c3"], ["c2"])


# --- in Slack --------------------------------------------------------------------------------------------------------


@pytest.fixture
def workspace() -> SlackStore:
    kim = {"id": KIM_HERSELF, "name": "kim", "profile": {"real_name": "Kim", "email": KIM}}
    return SlackStore(channels={ALERT_CHANNEL: "alerts", SAMS_CHANNEL: "sam"}, users={KIM: kim})


@pytest.fixture
def slack_api(workspace: SlackStore) -> Iterator[Watched]:
    with served(slack.app(workspace, lambda: NOW)) as watched:
        yield watched


PEOPLE = {"c1": at_stake("c1", 50, 1, SAM), "c2": at_stake("c2", 50, 1, KIM), "c3": at_stake("c3", 50, 1, None)}


def send(api: Watched, state: State, managers: dict[str, Any], **rules: Any) -> SendReport:
    impatient = RetryPolicy(budget=5, sleep=lambda _: None, random=lambda: 1.0)
    channel = SlackChannel(slack.TOKEN, f"{api.url}/api/", ALERT_CHANNEL, RateLimiter(1000, 1000), impatient)
    facts = [Fact(f"health_drop:{id}:{DAY}", "health_drop", "customer", id, DAY, DROP) for id in PEOPLE]

    def composed(entries: Any) -> Any:
        return compose(entries, PEOPLE, account_managers=managers, **rules)

    return AlertSender(channel, state, ("health_drop",), lambda: NOW).send(facts, composed, lambda _: None)


def arrived(workspace: SlackStore) -> set[tuple[str, str]]:
    return {(message.channel, message.text.split(": ")[1].split(",")[0]) for message in workspace.messages}


def test_each_manager_reads_alerts_where_the_policy_says(
    slack_api: Watched, workspace: SlackStore, state: State
) -> None:
    report = send(slack_api, state, MANAGERS)
    assert (report.sent, report.detours, report.trouble) == (3, [], [])
    direct = f"D{KIM_HERSELF[1:]}"
    assert arrived(workspace) == {(SAMS_CHANNEL, "c1"), (direct, "c2"), (ALERT_CHANNEL, "c3")}


def test_a_channel_that_is_gone_is_no_reason_to_be_silent(
    slack_api: Watched, workspace: SlackStore, state: State
) -> None:
    gone = {SAM: {"slack": "C0GONE00001"}, KIM: {"slack": "U0GONE00001"}}
    report = send(slack_api, state, gone)
    assert (report.sent, report.trouble) == (3, [])
    assert arrived(workspace) == {(ALERT_CHANNEL, id) for id in PEOPLE}
    assert len(report.detours) == 2
    assert all("alerts.account_managers in the policy" in sentence for sentence in report.detours)


def test_what_is_held_in_quiet_hours_stays_in_the_journal(slack_api: Watched, state: State) -> None:
    report = send(slack_api, state, MANAGERS, quiet_hours=NIGHT)
    assert (report.new, report.sent, report.waiting, report.trouble) == (3, 0, 3, [])
    later = send(slack_api, state, MANAGERS, quiet_hours=["02:00", "02:01"])
    assert (later.new, later.sent) == (0, 3)


def test_the_doctor_says_who_is_not_reached_where_the_policy_says(slack_api: Watched, tmp_path: Path) -> None:
    channel = SlackChannel(slack.TOKEN, f"{slack_api.url}/api/", ALERT_CHANNEL, RateLimiter(99, 99), RetryPolicy())
    rules = alert_rules(account_managers=MANAGERS | {"ann@acme.example": {"slack": "C0GONE00001"}})
    [sentence] = unreachable(channel, rules)
    assert sentence.startswith("ann@acme.example: alerts would go to SLACK_ALERT_CHANNEL. Slack refused")

    lake = Lake(tmp_path / "lake")
    rows = [
        {
            "customer_id": f"c{n}",
            "customer_status": "active",
            "is_customer": n < 4,
            "assigned_am_email": f"{n}@x.example",
        }
        for n in range(2, 5)
    ]
    for table in ("core/unified_customers", "health/customer_health"):
        keys = (
            [{"customer_id": "c1"}]
            if "health" in table
            else [*rows, {"customer_id": "c1", "customer_status": "active", "is_customer": True}]
        )
        lake.write(table, DAY, engine().to_pyarrow(filled(table, *keys)))
    [sentence] = unrouted(lake, rules)
    assert sentence == (
        "alerts.account_managers in the policy does not say where 2@x.example, 3@x.example read alerts: "
        "theirs go to SLACK_ALERT_CHANNEL."
    )
