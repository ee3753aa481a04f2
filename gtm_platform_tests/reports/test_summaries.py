"""Daily and weekly summaries: their figures are those of the tables, and each is posted once."""

import json
from collections import Counter
from datetime import date
from typing import Any

import dagster as dg
import pytest

from gtm_platform.delivery.alerts.audience import EVERYTHING
from gtm_platform.delivery.alerts.kinds import daily_summary, weekly_summary
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.reports.slack_summaries import _companies, slack_summaries
from gtm_platform.reports.summary import Summary, mrr_of, summary
from gtm_platform.sandbox.slack.blocks import findings
from gtm_platform_tests.reports.test_assets import World, logged, settled, world

__all__ = ["settled", "world"]

LAST, BEFORE = "2026-02-15", "2026-02-08"
BELOW = "health_status in ('at_risk', 'high_risk', 'critical')"


@pytest.fixture(scope="module")
def week(report_home: Any) -> Summary:
    return summary(Lake(report_home / "lake"), LAST, 7, policy())


def queried(lake: Lake, query: str) -> tuple[Any, ...]:
    """What plain SQL over the two days answers."""
    files = {name: lake.partition("core/unified_customers", day) for name, day in (("n", LAST), ("b", BEFORE))}
    with cursor() as connection:
        for name, table in files.items():
            connection.register(name, table.to_pyarrow())
        answer: tuple[Any, ...] = connection.execute(query).fetchone() or ()
    return answer


@pytest.mark.parametrize("day", ["n", "b"])
def test_totals_are_those_of_the_table(week: Summary, report_lake: Lake, day: str) -> None:
    count, mrr, at_risk, mean = queried(
        report_lake,
        f"select count(*), sum(greatest(mrr_reporting, 0)), count(*) filter (where {BELOW}), avg(health_score) "
        f"from {day} where is_customer",
    )
    cards = {card.name: card for card in week.cards}
    if day == "n":
        assert (cards["customers"].value, cards["at_risk"].value) == (count, at_risk)
        assert cards["mrr"].value == pytest.approx(float(mrr))
        assert cards["mean_health"].value == pytest.approx(mean)
    else:
        assert cards["customers"].change == f"{cards['customers'].value - count:+,.0f}".replace("-", "−")  # type: ignore[operator]


def test_movements_add_up_to_the_change(week: Summary, report_lake: Lake) -> None:
    [now] = queried(report_lake, "select sum(greatest(mrr_reporting, 0)) from n where is_customer")
    [before] = queried(report_lake, "select sum(greatest(mrr_reporting, 0)) from b where is_customer")
    came = (week.movements["new_mrr"] or 0) + (week.movements["expansion_mrr"] or 0)
    went = (week.movements["contraction_mrr"] or 0) + (week.movements["churned_mrr"] or 0)
    assert came - went == pytest.approx(float(now - before))


def test_cohort_changes_are_those_of_the_table(week: Summary, report_lake: Lake) -> None:
    """Of the days of the week, the newest first."""
    files = [str(file.path) for file in report_lake.files("cohorts/transitions") if BEFORE < file.partition <= LAST]
    with cursor() as connection:
        expected = connection.execute(
            f"""select company_id, "at", "trigger", from_cohort, to_cohort from read_parquet({files})
                order by "at" desc, company_id"""
        ).fetchall()
    names = ("company_id", "at", "trigger", "from_cohort", "to_cohort")
    assert [tuple(row[name] for name in names) for row in week.moved_companies or ()] == expected != []
    triggers = Counter(trigger for _, _, trigger, *_ in expected)
    lines = list(_companies(week.moved_companies or (), EVERYTHING))
    assert lines[0].startswith(f"*Companies that moved*: {len(expected)}, ")
    assert all(f"{count} × {trigger}" in lines[0] for trigger, count in triggers.items())
    assert "• Firm 1: Became a partner (With a competitor → SI partner)" in lines


def test_a_lake_without_companies_has_no_changes_of_cohorts(report_lake: Lake) -> None:
    assert summary(report_lake, BEFORE, 1, policy()).moved_companies is None


def test_lists_are_those_of_the_table(week: Summary, report_lake: Lake) -> None:
    joined = "from n left join b using (customer_id)"
    at_risk = queried(
        report_lake,
        f"select count(*), coalesce(sum(n.mrr_reporting), 0) {joined} where n.is_customer and n.{BELOW} "
        f"and (b.customer_id is null or not b.is_customer or b.health_status = 'healthy' or b.health_status is null)",
    )
    assert (len(week.newly_at_risk), mrr_of(week.newly_at_risk)) == (at_risk[0], pytest.approx(float(at_risk[1])))
    saved = queried(
        report_lake,
        f"select count(*), coalesce(sum(n.mrr_reporting), 0) {joined} where n.is_customer and b.is_customer "
        f"and n.health_status = 'healthy' and n.customer_status <> 'leaving' "
        f"and (b.{BELOW} or b.customer_status = 'leaving')",
    )
    assert (len(week.saved), mrr_of(week.saved)) == (saved[0], pytest.approx(float(saved[1])))
    churned = queried(
        report_lake,
        "select count(*), coalesce(sum(b.mrr_reporting), 0) from b left join n using (customer_id) "
        "where b.is_customer and not coalesce(n.is_customer, false)",
    )
    assert (len(week.churned), mrr_of(week.churned)) == (churned[0], pytest.approx(float(churned[1])))
    [quality] = queried(report_lake, "select avg(data_quality_score) from n where is_customer")
    assert week.quality == (None if quality is None else pytest.approx(quality))


def test_the_week_is_due_with_its_sunday_and_for_a_week() -> None:
    sunday = date(2026, 2, 15)
    assert [each.subject_id for each in weekly_summary.detect(["2026-02-14", LAST])] == [str(sunday)]
    assert [each.subject_id for each in weekly_summary.detect([LAST, "2026-02-18"])] == [str(sunday)]
    assert list(weekly_summary.detect([LAST, "2026-02-23"])) == []
    assert list(weekly_summary.detect([])) == list(daily_summary.detect([])) == []
    assert [each.subject_id for each in daily_summary.detect(["2026-02-14", LAST])] == [LAST]


def post(world: World) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [slack_summaries], instance=world.instance, resources={"lake": LakeResource()}, raise_on_error=False
    )


def test_a_day_and_a_week_are_posted_once(world: World) -> None:
    ran = post(world)
    assert ran.success, logged(world, ran)
    day, week = world.workspace.messages
    assert day.text.startswith("Daily summary: 15 February 2026. Customers ")
    assert week.text.startswith("Weekly summary: 9 February 2026 to 15 February 2026. ")
    assert findings(day.blocks) == findings(week.blocks) == []
    said = json.dumps(week.blocks, ensure_ascii=False)
    for part in ("*MRR*: new ", "*New at risk*: ", "*Saved*: ", "*Churned*: ", "*Data*: "):
        assert part in said
    assert "no earlier day" in json.dumps(day.blocks)  # the lake lacks the Saturday
    assert post(world).success
    assert len(world.workspace.messages) == 2


def test_slack_down_loses_no_summary(world: World) -> None:
    world.slack_api.fault = lambda _: (200, {"ok": False, "error": "token_revoked"})
    ran = post(world)
    assert not ran.success
    failure = ran.failure_data_for_node("delivery__slack_summaries")
    assert failure
    assert failure.user_failure_data
    assert "2 summaries wait for the next run" in (failure.user_failure_data.description or "")
    world.slack_api.fault = None
    assert post(world).success
    assert len(world.workspace.messages) == 2
