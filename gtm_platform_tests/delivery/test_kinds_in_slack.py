"""Each kind of alert about a customer: what changes in the tables is in Slack after one tick of the sensor, once."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from gtm_platform.automation.deliveries import request_delivery
from gtm_platform.cohorts.company_cohorts import COMPETITOR, CUSTOMER, IN_MARKET, PARTNER
from gtm_platform.cohorts.transitions import TRIGGERS
from gtm_platform.delivery.alerts.asset import slack_alerts
from gtm_platform.delivery.alerts.company_day import COMPANIES, TRANSITIONS
from gtm_platform.delivery.alerts.kinds import routed
from gtm_platform.delivery.gate import CUSTOMERS, HEALTH
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.orchestration.compat import AssetJob
from gtm_platform.policy import policy
from gtm_platform.sandbox import slack
from gtm_platform.sandbox.slack.store import ALERT_CHANNEL, SlackMessage, SlackStore
from gtm_platform.settings import settings
from gtm_platform_tests.delivery.world import NOW, served
from gtm_platform_tests.tables import filled

TODAY = NOW.date()
FIRST = TODAY - timedelta(days=3)
USUAL = {
    "name": "Ada Byron", "company_name": "Acme", "assigned_am": "Sam Lee", "customer_status": "active",
    "is_customer": True, "mrr": 120, "mrr_reporting": 120, "currency": "usd", "health_score": 80,
    "health_status": "healthy", "churn_risk": 3, "company_id": "com_1",
    "is_delinquent": False, "failed_payments_30d": 0, "logins_7d": 10,
    "logins_28d_before": 40,
}  # fmt: skip
MENTIONED = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
ENDS = datetime(2026, 12, 31, tzinfo=UTC)

# kind, what changes, the heading, a part of why; then, where it can be over: what it is then, and the heading
STORIES: list[tuple[str, dict[str, Any], str, str, dict[str, Any], str]] = [
    ("cancel_mention", {"cancel_mentioned_at": MENTIONED}, "Cancel mention", "on 2026-11-18 09:30 UTC", {}, ""),
    (
        "cancellation_scheduled", {"customer_status": "leaving", "current_period_end": ENDS},
        "Cancellation scheduled", "set to end on 2026-12-31", USUAL, "Cancellation taken back",
    ),
    (
        "engagement_drop", {"logins_7d": 4}, "Engagement drop", "4 logins in 7 days; 10 a week in the four weeks",
        {"logins_7d": 9}, "Engagement recovered",
    ),
    (
        "health_drop", {"health_score": 60, "health_status": "at_risk"}, "Health drop",
        "from 80 (healthy) to 60 (at risk)", USUAL, "Health recovered",
    ),
    (
        "payment_failed", {"is_delinquent": True, "failed_payments_30d": 2}, "Payment overdue",
        "An invoice is past due. 2 payments failed", {"is_delinquent": False, "failed_payments_30d": 2},
        "Payment settled",
    ),
]  # fmt: skip


@dataclass
class Company:
    """A lake with one customer, a Slack, and a Dagster whose sensor is ticked by hand."""

    instance: dg.DagsterInstance
    workspace: SlackStore
    cursor: str | None = None

    def live(self, day: date, change: dict[str, Any] | None = None, **row: Any) -> list[str]:
        """A day passes: its tables are made, the sensor ticks twice, what it requests runs. Returns new headings.

        `change` is one of the cohort of the customer's company.
        """
        before = len(self.workspace.messages)
        changes = (
            [{"company_id": "com_1", "at": day, "compared_with": day - timedelta(days=1), **change}] if change else []
        )
        standing = {"company_id": "com_1", "name": "Acme", "hubspot_company_id": "7", "chroma_cloud_mrr": 120}
        for table, rows in ((TRANSITIONS, changes), (COMPANIES, [standing])):
            the_lake().write(table, str(day), engine().to_pyarrow(filled(table, *rows)))
        for table in (HEALTH, CUSTOMERS):
            known = {name: value for name, value in ({**USUAL, **row}).items() if table == CUSTOMERS}
            the_lake().write(table, str(day), engine().to_pyarrow(filled(table, {"customer_id": "c1", **known})))
            made = dg.AssetMaterialization(dg.AssetKey(table.split("/")), partition=str(day))
            self.instance.report_runless_asset_event(made)
        for _ in range(2):
            self.tick(day)
        return [heading(message) for message in self.workspace.messages[before:]]

    def tick(self, day: date) -> None:
        job = dg.define_asset_job("deliver", [slack_alerts])
        assert isinstance(job, AssetJob)
        definitions = dg.Definitions([slack_alerts], jobs=[job], resources={"lake": LakeResource()})
        sensor = request_delivery(job, lambda: datetime(day.year, day.month, day.day, 6, tzinfo=UTC))
        context = dg.build_sensor_context(self.instance, cursor=self.cursor, definitions=definitions)
        asked = sensor(context)
        self.cursor = context.cursor
        if isinstance(asked, dg.RunRequest):
            ran = dg.materialize(
                [slack_alerts], instance=self.instance, tags=asked.tags, resources={"lake": LakeResource()}
            )
            assert ran.success


def heading(message: SlackMessage) -> str:
    return str(message.blocks[0]["text"]["text"])


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    workspace = SlackStore(channels={ALERT_CHANNEL: "alerts"})
    with ExitStack() as stack:
        api = stack.enter_context(served(slack.app(workspace, lambda: NOW)))
        for name, value in {
            "GTM_HOME": str(tmp_path),
            "GTM_NOW": NOW.isoformat(),
            "SLACK_BOT_TOKEN": slack.TOKEN,
            "SLACK_BASE_URL": f"{api.url}/api/",
            "SLACK_ALERT_CHANNEL": ALERT_CHANNEL,
            "SLACK_SEND_ENABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        yield Company(stack.enter_context(dg.DagsterInstance.ephemeral(tempdir=str(tmp_path))), workspace)
        settings.cache_clear()


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "change", "title", "why", "over", "recovery"), STORIES, ids=[s[0] for s in STORIES])
def test_a_change_is_in_slack_once_and_so_is_its_end(
    company: Company, kind: str, change: dict[str, Any], title: str, why: str, over: dict[str, Any], recovery: str
) -> None:
    assert company.live(FIRST) == []
    assert company.live(FIRST + timedelta(days=1), **change) == [f"{title}: Ada Byron, Acme"]
    message = company.workspace.messages[-1]
    assert why in message.text
    assert (message.metadata or {})["event_payload"]["fingerprint"].startswith(f"{kind}:c1:")
    assert company.live(FIRST + timedelta(days=2), **change) == []
    expected = [f"{recovery}: Ada Byron, Acme"] if recovery else []
    assert company.live(TODAY, **(over or change)) == expected


# kind, the trigger, from where to where, the heading, a part of why
CHANGES: list[tuple[str, str, str | None, str | None, str, str]] = [
    (
        "cohort_transition",
        "Came into the market",
        COMPETITOR,
        IN_MARKET,
        "Came into the market",
        "to in-market companies",
    ),
    ("cohort_transition", "In-market converted", IN_MARKET, CUSTOMER, "In-market converted", "It leaves qdrant."),
    ("cohort_transition", "Became a partner", None, PARTNER, "Became a partner", "From no cohort to partners"),
    ("cohort_transition", "Fell dormant", CUSTOMER, CUSTOMER, "Fell dormant", "None of its people used the product"),
    ("cohort_transition", "Came back", CUSTOMER, CUSTOMER, "Came back", "Its people use the product again"),
    (
        "competitor_displacement",
        "Competitor displacement",
        COMPETITOR,
        CUSTOMER,
        "Competitor displacement",
        "use qdrant",
    ),
]


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "trigger", "before", "now", "title", "why"), CHANGES, ids=[c[1] for c in CHANGES])
def test_a_change_of_a_cohort_is_in_slack_once(
    company: Company, kind: str, trigger: str, before: str | None, now: str | None, title: str, why: str
) -> None:
    displaced = "qdrant" if now == CUSTOMER and before != CUSTOMER else None
    change = {"from_cohort": before, "to_cohort": now, "trigger": trigger, "competitor_displaced": displaced}
    assert company.live(FIRST) == []
    assert company.live(FIRST + timedelta(days=1), change | {"evidence": ["evaluating"]}) == [f"{title}: Acme"]
    message = company.workspace.messages[-1]
    assert why in message.text
    assert "Signs: evaluating" in message.text
    fields = {field["text"] for field in message.blocks[1]["fields"]}
    assert {"*MRR*\n120 USD", "*Account manager*\nSam Lee"} <= fields
    assert (message.metadata or {})["event_payload"]["fingerprint"].startswith(f"{kind}:com_1:")
    assert company.live(FIRST + timedelta(days=2)) == []


@pytest.mark.parametrize(
    ("trigger", "before", "now"),
    [
        ("Competitor seen", IN_MARKET, COMPETITOR),
        ("Nothing speaks for it any more", IN_MARKET, None),
        ("Came into the market", None, IN_MARKET),  # as a source that is connected brings many
    ],
)
def test_other_changes_of_cohorts_are_no_alerts(
    company: Company, trigger: str, before: str | None, now: str | None
) -> None:
    assert company.live(FIRST) == []
    change = {"from_cohort": before, "to_cohort": now, "trigger": trigger}
    assert company.live(FIRST + timedelta(days=1), change) == []


def test_a_change_of_a_day_that_was_not_delivered_is_sent_with_the_next(company: Company) -> None:
    change = {"from_cohort": IN_MARKET, "to_cohort": CUSTOMER, "trigger": "In-market converted"}
    day = FIRST + timedelta(days=1)
    row = {"company_id": "com_1", "at": day, "compared_with": FIRST, **change}
    the_lake().write(TRANSITIONS, str(day), engine().to_pyarrow(filled(TRANSITIONS, row)))
    assert company.live(day + timedelta(days=1)) == ["In-market converted: Acme"]


def test_the_table_has_every_kind() -> None:
    assert {row[0] for row in (*STORIES, *CHANGES)} == set(routed("customers"))
    assert set(policy().alerts.cohort_changes) <= set(TRIGGERS)
