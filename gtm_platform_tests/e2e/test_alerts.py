"""What happens to customers and companies in the sandbox's systems is an alert in the sandbox's Slack, once, and so is
its end.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from shutil import copytree
from typing import Any

import dagster as dg
import pytest

from gtm_platform.policy import policy
from gtm_platform.sandbox.intercom.store import IntercomConversation
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.sandbox.stripe.store import StripeSubscription
from gtm_platform.sandbox.world import World
from gtm_platform.sandbox.world.sessions import Usage
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform_tests.e2e.home import (
    Control,
    execute,
    failure_of,
    frame,
    let_go,
    midnight,
    move_in,
    tables_read_by,
    turn_clocks,
    windows_of,
)

pytestmark = pytest.mark.soak

FIRST = date(2026, 3, 2)
PEOPLE, SEED = 60, 17
# What these alerts come from; days are lived in a third of the time without the other sources.
READ = ("crossbeam", "hubspot", "intercom", "partnerstack", "posthog", "stripe", "sumble", "userflow")
TABLES = tables_read_by("delivery/slack_alerts")


@contextmanager
def living_in(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["Days"]:
    """A home beside the world of these tests as it is on its first days, in which every alert is a message."""
    with running(PEOPLE, SEED, datetime(2026, 3, 1, tzinfo=UTC)) as box:
        move_in(monkeypatch, home, box, midnight(FIRST))
        for source in SCHEDULED:
            for variable in source.required_env if source.name not in READ else ():
                monkeypatch.delenv(variable, raising=False)
        for name, value in box.env.items():  # of those that watch the market, too
            if name.startswith(tuple(f"{source.upper()}_" for source in READ)):
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("GTM_POLICY", str(_loud_policy(home)))
        settings.cache_clear()
        policy.cache_clear()
        with dg.DagsterInstance.ephemeral(tempdir=str(home)) as dagster:
            yield Days(box, dagster, monkeypatch, home)
            let_go()


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home after its first day, which each test has a copy of."""
    home = tmp_path_factory.mktemp("first_day")
    with pytest.MonkeyPatch.context() as patch:
        with living_in(home, patch) as days:
            days.live(FIRST)
        patch.undo()
        settings.cache_clear()
        policy.cache_clear()
        yield home


@pytest.fixture
def days(first_day: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["Days"]:
    """A home whose first day is over, and that day in the sandbox."""
    home = tmp_path / "home"
    copytree(first_day, home)
    with living_in(home, monkeypatch) as days:
        turn_clocks(monkeypatch, days.box, midnight(FIRST) + timedelta(days=1))
        yield days


@dataclass(frozen=True)
class Days:
    """Days of the platform: each is read, made and delivered twice, as two ticks of a sensor would."""

    box: Sandbox
    dagster: dg.DagsterInstance
    monkeypatch: pytest.MonkeyPatch
    home: Path

    def live(self, day: date, since: date | None = None) -> list[tuple[str, str]]:
        """Live a day; return the fingerprint and the text of each alert about a customer or a company that it brought.

        Of the days from `since` on all windows are read, and only the last day's tables are made.
        """
        slack = self.box.world.slack.messages
        before = len(slack)
        turn_clocks(self.monkeypatch, self.box, midnight(day) + timedelta(days=1))
        begins = {job: first for job, first, _ in windows_of(since or day, READ)}
        for job, _, last in windows_of(day, READ):
            ran = execute(self.dagster, job, begins[job], last)
            assert ran.success, failure_of(ran)
        ran = execute(self.dagster, "daily_tables", str(day), tables=TABLES)
        assert ran.success, failure_of(ran)
        for _ in range(2):
            ran = execute(self.dagster, "deliver", str(day), tables=["delivery/slack_alerts"])
            assert ran.success, failure_of(ran)
        return [
            (message.metadata["event_payload"]["fingerprint"], message.text)
            for message in slack[before:]
            if message.metadata
        ]

    def customers(self, day: date) -> list[dict[str, Any]]:
        """The rows of those who pay by a subscription in Stripe, are well, and are known to Intercom."""
        rows = frame(self.home, "core/unified_customers", str(day)).to_dict("records")
        return [
            row
            for row in rows
            if row["customer_status"] == "active"
            and row["mrr_source"] == "stripe"
            and row["intercom_contact_id"]
            and not row["is_delinquent"]
            and row["health_score"] >= 70
            and len(_subscriptions(self.box.world, row)) == 1
        ]


def _subscriptions(world: World, row: dict[str, Any]) -> list[StripeSubscription]:
    return [each for each in world.stripe.subscriptions.values() if each.customer == row["stripe_customer_id"]]


def _change(world: World, row: dict[str, Any], **changes: Any) -> None:
    """Change a subscription, with the event that Stripe makes of it."""
    [subscription] = _subscriptions(world, row)
    previous = {name: getattr(subscription, name) for name in changes}
    for name, value in changes.items():
        setattr(subscription, name, value)
    id = f"evt_scripted{len(world.stripe.events)}"
    world._context.events.record(world.now, id, "customer.subscription.updated", subscription, previous)


def speak_of_cancelling(world: World, row: dict[str, Any]) -> None:
    contact = world.intercom.contacts[row["intercom_contact_id"]]
    id = f"9{len(world.intercom.conversations):07}"
    world.intercom.conversations[id] = IntercomConversation(
        id, contact.id, world.now, world.now, "", "<p>I want to cancel our subscription.</p>", contact.role,
        contact.name, contact.email, last_contact_reply=world.now, waiting_since=world.now,
    )  # fmt: skip


def set_to_end(world: World, row: dict[str, Any]) -> None:
    _change(world, row, cancel_at_period_end=True)


def take_back(world: World, row: dict[str, Any]) -> None:
    _change(world, row, cancel_at_period_end=False)


def fall_behind(world: World, row: dict[str, Any]) -> None:
    _change(world, row, status="past_due")


def settle(world: World, row: dict[str, Any]) -> None:
    _change(world, row, status="active")


Script = Callable[[World, dict[str, Any]], None]
# What happens, the alerts that it brings; what ends it, and what that brings.
STORIES: list[tuple[Script, list[str], Script | None, list[str]]] = [
    (speak_of_cancelling, ["Cancel mention", "Health drop"], None, []),
    (set_to_end, ["Cancellation scheduled"], take_back, ["Cancellation taken back"]),
    (fall_behind, ["Payment overdue", "Health drop"], settle, ["Payment settled", "Health recovered"]),
]


# By whether a company used a competitor's product before, and what becomes of it: the kind, and the heading.
MOVES = {
    (True, "market"): ("cohort_transition", "Came into the market"),
    (True, "customer"): ("competitor_displacement", "Competitor displacement"),
    (False, "customer"): ("cohort_transition", "In-market converted"),
    (True, "partner"): ("cohort_transition", "Became a partner"),
}


def expect_moves(world: World, day: date, alerts: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Compare the alerts about companies with the moves of the world on the day; return of what kind these were."""
    moves = set()
    for mover in world.market.movers:
        if mover.at.date() == day:
            kind, title = MOVES[bool(mover.signals.competitors), mover.then]
            sent = [mark for mark, text in alerts if text.startswith(f"{title}: {mover.company.name}")]
            assert [mark.split(":")[0] for mark in sent] == [kind], mover.company.name
            moves.add((kind, title))
    return moves


def titles(alerts: Sequence[tuple[str, str]], row: dict[str, Any]) -> list[str]:
    return sorted(text.split(":")[0] for mark, text in alerts if f":{row['customer_id']}:" in mark)


def test_what_happens_in_the_systems_is_in_slack_once(days: Days) -> None:
    box = days.box
    people = days.customers(FIRST)[: len(STORIES)]
    assert len(people) == len(STORIES), "the world has too few such customers"

    Control(box.url).set_clock(midnight(FIRST) + timedelta(days=1, hours=12))
    for (happens, *_), row in zip(STORIES, people, strict=True):
        happens(box.world, row)
    alerts = days.live(FIRST + timedelta(days=1))
    for (_, expected, *_), row in zip(STORIES, people, strict=True):
        assert titles(alerts, row) == sorted(expected)
    moves = expect_moves(box.world, FIRST + timedelta(days=1), alerts)

    Control(box.url).set_clock(midnight(FIRST) + timedelta(days=2, hours=12))
    for (_, _, ends, _), row in zip(STORIES, people, strict=True):
        if ends:
            ends(box.world, row)
    alerts = days.live(FIRST + timedelta(days=2))
    for (_, _, _, over), row in zip(STORIES, people, strict=True):
        assert titles(alerts, row) == sorted(over)
    moves |= expect_moves(box.world, FIRST + timedelta(days=2), alerts)
    assert moves == set(MOVES.values()), "the world has too few companies that move on these days"


def _use_of(world: World, row: dict[str, Any]) -> Usage | None:
    """On which days a customer uses the product, if that is counted and as much as in the weeks before."""
    weekly = row["logins_28d_before"] / 4
    if not row["is_customer"] or not (weekly >= 2 and row["logins_7d"] >= 0.75 * weekly):
        return None
    for history in world._context.histories:
        if history.product and history.product.user_id in (row["posthog_distinct_id"], row["userflow_user_id"]):
            return history.product.use._usage  # type: ignore[no-any-return,attr-defined]
    return None


@pytest.mark.long
def test_use_that_stops_and_comes_back_is_in_slack_once(days: Days) -> None:
    rows = frame(days.home, "core/unified_customers", str(FIRST)).to_dict("records")
    use, row = next((use, row) for row in rows if (use := _use_of(days.box.world, row)))
    use.change(midnight(FIRST), 0.0)
    stopped, back = FIRST + timedelta(days=7), FIRST + timedelta(days=14)
    alerts = titles(days.live(stopped, since=FIRST + timedelta(days=1)), row)
    assert alerts.count("Engagement stopped") == 1
    use.change(midnight(stopped), 1.0)
    alerts = titles(days.live(back, since=stopped + timedelta(days=1)), row)
    assert alerts.count("Engagement recovered") == 1


def _loud_policy(home: Path) -> Path:
    """Nothing is put off to a digest, so that each alert is a message of its own."""
    text = files("gtm_platform").joinpath("policy/policy.toml").read_text()
    for name, value in (("max_a_day = 5", "max_a_day = 1000"), ("digest_above = 10", "digest_above = 1000")):
        assert name in text
        text = text.replace(name, value)
    path = home / "policy.toml"
    path.write_text(text)
    return path
