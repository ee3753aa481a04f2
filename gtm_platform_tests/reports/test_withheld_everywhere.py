"""What an experiment withholds is seen nowhere: whatever it is, all that people are shown stays the same.

The treatment of customers is turned into its contrary. Of withheld customers nothing may change by it in any channel;
of treated ones each channel has to, or the test would see nothing.
"""

import ast
import shutil
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest

import gtm_platform
from gtm_platform.delivery.alerts.customer_alerts import preview, preview_messages
from gtm_platform.delivery.alerts.kinds import discover as alert_kinds
from gtm_platform.delivery.hubspot.day_delivery import read_tables
from gtm_platform.delivery.hubspot.object_types import object_types
from gtm_platform.delivery.hubspot.plan import plan
from gtm_platform.health.customer_health import HEALTH
from gtm_platform.intelligence.effect.experiments import register
from gtm_platform.intelligence.effect.holdout import TABLE as HOLDOUT
from gtm_platform.intelligence.effect.shown_lake import ShownLake, WithholdingUnknown, shown
from gtm_platform.intelligence.effect.treatments import ALERTS, TREATMENTS
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.policy.effect import Withheld
from gtm_platform.policy.publish import PublishedSchema
from gtm_platform.publish.postgres.warehouse import NAMES
from gtm_platform.publish.publishing import opened_schema
from gtm_platform.reports.figures import Figures
from gtm_platform.reports.kinds import discover as reports
from gtm_platform.reports.slack_summaries import DAYS as SUMMARIES
from gtm_platform.reports.slack_summaries import compose
from gtm_platform.reports.summary import summary
from gtm_platform.serving.snapshot.build import build
from gtm_platform.settings import settings
from gtm_platform.state import open_state, slack_journal
from gtm_platform.state.slack_journal import Entry, Fact
from gtm_platform_tests.intelligence.experiment import terms
from gtm_platform_tests.serving.world import DAYS, NOW, TODAY, landing, settle
from gtm_platform_tests.tables import filled

START = TODAY - timedelta(days=7)
EVERYTHING = tuple(TREATMENTS)
# What of a snapshot is about its files, and not about what they hold.
ABOUT_FILES = ("meta", "metric_days")


@dataclass(frozen=True)
class World:
    """A lake on which an experiment runs, and who is withheld and who is not; of either in companies of their own."""

    lake: Lake
    withheld: frozenset[str]
    treated: frozenset[str]

    def poisoned(self, customers: Collection[str], folder: Path) -> Lake:
        """Return a copy of the lake in which these customers' treatment is another on each day of the experiment."""
        shutil.copytree(self.lake.root, folder / "lake")
        lake = Lake(folder / "lake")
        companies = {_company(id) for id in customers}
        for treatment in TREATMENTS.values():
            for hidden in treatment.hidden:
                subjects = customers if hidden.subject == "customer_id" else companies
                for day in lake.partitions(hidden.table):
                    _poison(lake, hidden.table, day, hidden.subject, subjects, hidden.day)
        return lake


def _company(customer: str) -> str:
    return f"com_{int(customer.removeprefix('cus_')) // 4:02}"


def _poison(lake: Lake, table: str, partition: str, subject: str, subjects: Collection[str], day: str | None) -> None:
    rows = lake.partition(table, partition).to_pyarrow().to_pylist()
    for row in rows:
        about = row[day] if day else date.fromisoformat(partition)
        if row[subject] in subjects and about >= START:
            row.update({name: POISON[name](value) for name, value in row.items() if name in POISON})
    lake.write(table, partition, engine().to_pyarrow(filled(table, *rows)))


def _turned(score: Any) -> Any:
    return None if score is None else 100 - score


# The contrary of each value of the treatment.
POISON: Mapping[str, Callable[[Any], Any]] = {
    "health_score": _turned,
    "health_status": lambda status: status and ("critical" if status in ("healthy", "at_risk") else "healthy"),
    "churn_risk": _turned,
    "churn_risk_model": lambda _: "poisoned",
    "risk_signals": lambda signals: signals if signals is None else ["failed_payments"],
    "recommended_actions": lambda actions: actions if actions is None else ["Poisoned."],
    "base_score": lambda _: 1.25,
    "score_change_7d": lambda _: -33,
    "points_7d": lambda points: points - Decimal(7),
    "score": lambda score: 1 - score,
    "score_before": lambda _: 3,
    "lowest_health": lambda _: 3,
    "mean_health": lambda _: 3.5,
    "evidence": lambda _: "poisoned",
    "at_stake": lambda stake: stake * 3,
}


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The lake before anything is registered."""
    lake = Lake(tmp_path_factory.mktemp("lived") / "lake")
    settle(lake)
    month = "2025-11-01"
    missed = lake.partition("health/missed_churns", month).to_pyarrow().to_pylist()
    lately = [row | {"churned_on": TODAY - timedelta(days=1)} for row in missed]
    lake.write("health/missed_churns", month, engine().to_pyarrow(filled("health/missed_churns", *lately)))
    return lake


@pytest.fixture
def world(lived: Lake, tmp_path: Path) -> World:
    """Whole companies are withheld, so that no company has customers of both groups; which, is written, not drawn."""
    shutil.copytree(lived.root, tmp_path / "home" / "lake")
    lake = Lake(tmp_path / "home" / "lake")
    register(
        terms(withholds=EVERYTHING, starts_on=START, share=0.3),
        "Noor",
        datetime(START.year, START.month, START.day, tzinfo=UTC) - timedelta(days=1),
    )
    assert HOLDOUT.write_day(lake, str(TODAY)) is not None
    drawn = lake.partition(HOLDOUT.key, str(TODAY)).to_pyarrow().to_pylist()
    withheld = [0, 1, 3, 6, 10, 14]  # companies; of the first two it is said that they may buy more
    rows = [
        row | {"group": "withheld" if int(row["company_id"].removeprefix("com_")) in withheld else "treated"}
        for row in drawn
    ]
    lake.write(HOLDOUT.key, str(TODAY), engine().to_pyarrow(filled(HOLDOUT.key, *rows)))
    groups = {name: frozenset(row["customer_id"] for row in rows if row["group"] == name) for name in GROUPS}
    return World(lake, groups["withheld"], groups["treated"])


GROUPS = ("treated", "withheld")


# --- all that people are shown ---------------------------------------------------------------------------------------


def snapshot(lake: Lake, folder: Path) -> Iterator[tuple[str, Any]]:
    """All that dashboard, API and chat are made from, table by table."""
    built = build(landing(lake), folder)
    assert built is not None
    with closing(sqlite3.connect(next(folder.glob("*.sqlite")))) as db:
        tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
        for name in sorted(set(tables) - set(ABOUT_FILES)):
            if not name.startswith("sqlite_"):
                yield f"snapshot: {name}", db.execute(f"select * from {name} order by 1, 2").fetchall()


def alerts(lake: Lake) -> Iterator[tuple[str, Any]]:
    preview = preview_messages(lake, str(TODAY))
    yield "alerts", [(message.text, message.blocks) for message in preview.messages]


def hubspot(lake: Lake) -> Iterator[tuple[str, Any]]:
    for each in object_types():
        tables = read_tables(lake, str(TODAY), each.inputs, each.days_back)
        yield f"hubspot: {each.name}", plan(each, str(TODAY), tables, frozenset({"active"}))


def made_reports(lake: Lake) -> Iterator[tuple[str, Any]]:
    for report in reports().values():
        content = report.content(Figures(lake, report.cadence.containing(TODAY), policy()))
        yield f"report: {report.name}", _plain(content)


def summaries(lake: Lake) -> Iterator[tuple[str, Any]]:
    for kind, days in SUMMARIES.items():
        entry = Entry("f", kind, "platform", str(TODAY), str(TODAY), {}, 1, "intent")
        yield f"summary: {kind}", compose(entry, summary(lake, str(TODAY), days, policy())).blocks


def _plain(value: Any) -> Any:
    """What stands in a report, with its charts as the figures that they draw."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def channels(lake: Lake, folder: Path) -> dict[str, Any]:
    """All of it as people are shown it."""
    seen = shown(lake)
    assert isinstance(seen, ShownLake)
    parts = (snapshot(seen, folder / "serving"), alerts(seen), hubspot(seen), made_reports(seen), summaries(seen))
    return {name: value for part in parts for name, value in part}


@pytest.mark.soak
def test_whatever_the_treatment_of_withheld_customers_is_nothing_that_is_shown_changes(
    world: World, tmp_path: Path
) -> None:
    before = channels(world.lake, tmp_path / "before")
    after = channels(world.poisoned(world.withheld, tmp_path / "after"), tmp_path / "after")
    assert [name for name, value in before.items() if after[name] != value] == []


# What is made of the treatment: it has to change when that of treated customers does.
SEES = {
    *("snapshot: customers", "snapshot: documents", "snapshot: score_changes", "snapshot: metric_values"),
    *("snapshot: companies", "snapshot: facts", "alerts", "hubspot: contacts"),
    *(f"report: {name}" for name in ("account_managers", "quarterly_churn_risk", "weekly_health")),
    *("summary: daily_summary", "summary: weekly_summary"),
}


@pytest.mark.soak
def test_the_treatment_of_treated_customers_is_seen_in_every_channel(world: World, tmp_path: Path) -> None:
    before = channels(world.lake, tmp_path / "before")
    after = channels(world.poisoned(world.treated, tmp_path / "after"), tmp_path / "after")
    assert {name for name, value in before.items() if after[name] != value} >= SEES


def test_what_withheld_customers_pay_and_who_they_are_is_shown_all_the_same(world: World) -> None:
    seen = shown(world.lake)
    raw = {row["customer_id"]: row for row in _rows(world.lake, "core/unified_customers")}
    masked = {row["customer_id"]: row for row in _rows(seen, "core/unified_customers")}
    for id, row in raw.items():
        hidden = dict.fromkeys(HEALTH) if id in world.withheld else {}
        assert repr(masked[id]) == repr(row | hidden)
    records = {each.subject_id: each for name, plans in hubspot(seen) if name.endswith("contacts") for each in plans}
    ours = [records[id] for id in world.withheld if id in records]
    assert ours
    assert all(each.values["gtm_health_score"] == each.values["gtm_churn_risk"] == "" for each in ours)
    assert any(each.values.get("gtm_mrr") for each in ours)


def test_no_alert_is_about_a_withheld_customer_whatever_it_is_made_of(world: World) -> None:
    def about(lake: Lake) -> set[str]:
        return {
            entry.subject_id for message in preview_messages(lake, str(TODAY)).messages for entry in message.entries
        }

    before, now = about(world.lake), about(shown(world.lake))
    assert before & world.withheld
    assert now == before - world.withheld


def test_an_alert_that_waited_when_the_experiment_began_is_not_sent(world: World) -> None:
    withheld, treated = (
        min(id for id in group if _is_customer(world.lake, id)) for group in (world.withheld, world.treated)
    )
    facts = [
        Fact(f"cancel_mention:{id}:x", "cancel_mention", "customer", id, str(TODAY), {}) for id in (withheld, treated)
    ]
    state = open_state(settings().state_url)
    with state.writing() as tx:
        slack_journal.intend(tx, facts, "C1", NOW)
    waiting = {each.subject_id for each in preview(shown(world.lake), str(TODAY)) if each.fingerprint.endswith(":x")}
    assert waiting == {treated}


def _is_customer(lake: Lake, id: str) -> bool:
    return any(row["customer_id"] == id and row["is_customer"] for row in _rows(lake, "core/unified_customers"))


def _rows(lake: Lake, table: str, day: date = TODAY) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lake.partition(table, str(day)).to_pyarrow().to_pylist()
    return found


def test_what_is_published_lacks_it_too(world: World) -> None:
    table = "core/unified_customers"
    with opened_schema(PublishedSchema(name="gtm", warehouse="postgres", tables=(table,)), world.lake) as schema:
        [due] = schema.due_of(table, [str(TODAY)])
        rows = schema.rows(due, schema.target(table, NAMES), NAMES)
    published = engine().con.sql(f"select customer_id, health_score from ({rows.query})").fetchall()
    scored = {id for id, score in published if score is not None}
    assert world.withheld & {id for id, _ in published}
    assert not scored & world.withheld
    assert scored & world.treated


def test_before_its_first_day_and_after_its_last_all_is_shown(world: World) -> None:
    seen = shown(world.lake)
    for day in DAYS:
        masked = [row for row in _rows(seen, "health/customer_health", day) if row["customer_id"] in world.withheld]
        scored = [
            row for row in _rows(world.lake, "health/customer_health", day) if row["customer_id"] in world.withheld
        ]
        assert scored
        assert bool(masked) == (day < START)
    later = TODAY + timedelta(days=1)
    over = [row | {"ends_on": TODAY} for row in _rows(world.lake, HOLDOUT.key)]
    world.lake.write(HOLDOUT.key, str(later), engine().to_pyarrow(filled(HOLDOUT.key, *over)))
    rows = [row | {"as_of": later} for row in _rows(world.lake, "core/unified_customers")]
    world.lake.write("core/unified_customers", str(later), engine().to_pyarrow(filled("core/unified_customers", *rows)))
    again = shown(world.lake)
    assert repr(_rows(again, "core/unified_customers", later)) == repr(
        _rows(world.lake, "core/unified_customers", later)
    )
    assert all(
        row["health_score"] is None
        for row in _rows(again, "core/unified_customers")
        if row["customer_id"] in world.withheld
    )


def test_a_day_of_which_nobody_was_drawn_yet_is_not_shown(world: World) -> None:
    later = TODAY + timedelta(days=1)
    rows = [row | {"as_of": later} for row in _rows(world.lake, "core/unified_customers")]
    world.lake.write("core/unified_customers", str(later), engine().to_pyarrow(filled("core/unified_customers", *rows)))
    with pytest.raises(WithholdingUnknown, match=f"gtm run intelligence/holdout --partition {later}"):
        _rows(shown(world.lake), "core/unified_customers", later)


def test_without_an_experiment_the_lake_is_shown_as_it_is(lived: Lake) -> None:
    assert shown(lived) is lived


# --- what the treatments are -----------------------------------------------------------------------------------------


def test_treatments_name_what_there_is() -> None:
    assert set(TREATMENTS) == set(get_args(Withheld))
    for treatment in TREATMENTS.values():
        for hidden in treatment.hidden:
            columns = contract_of(hidden.table).columns
            assert {hidden.subject, *hidden.columns, *([hidden.day] if hidden.day else [])} <= columns.keys()
        assert set(treatment.alerts) <= alert_kinds().keys()


def test_every_alert_about_a_customer_is_among_those_that_can_be_withheld() -> None:
    about = {name for name, alert in alert_kinds().items() if alert.subject == "customer"}
    assert set(ALERTS.alerts) == about


# Modules of the rooms that show something and open the lake otherwise, and why nobody is shown a treatment by them.
NOT_SHOWN = {
    "delivery/alerts/access.py": "It asks whether account managers can be reached.",
    "delivery/alerts/precision.py": "It counts alerts that were sent.",
    "delivery/canaries/asset.py": "It looks for canaries, whom nobody is shown.",
    "delivery/health_backtest.py": "It tests scores on the past; whom they missed is read through the shown lake.",
    "delivery/hotpath/comparing.py": "It compares rows with those of the tables; the delivery reads the shown lake.",
    "delivery/hubspot/writes_table.py": "It copies the journal of what was written.",
    "enrichment/assets.py": "It buys facts about companies.",
    "automation/deliveries.py": "It asks for the newest day.",
    "automation/waiting_alerts.py": "It asks for the newest day; what waits is read through the shown lake.",
    "automation/publishing.py": "It asks which files are due; their rows are read through the shown lake.",
    "publish/assets.py": "It lists files; their rows are read through the shown lake, which a test here shows.",
    "automation/whole_day.py": "It asks for the newest day.",
    "automation/hooked_windows.py": "It asks which windows sources have.",
    "automation/ops_notifications.py": "It reads tests of models, which name nobody.",
    "automation/waiting_webhooks.py": "It asks for the newest day; a run reads the shown lake and sends.",
    "serving/audit_asset.py": "It asks whether there is a day.",
    "reports/slack_delivery.py": "It posts reports that were made.",
}


def test_whoever_shows_something_reads_the_shown_lake() -> None:
    """A new channel has to be read through it, or to say here why not."""
    root, apart = Path(gtm_platform.__file__).parent, set[str]()
    for room in ("delivery", "serving", "reports", "dashboard", "enrichment", "automation", "publish"):
        for path in (root / room).rglob("*.py"):
            tree = ast.parse(path.read_text())
            wrapped = {
                id(part) for each in ast.walk(tree) if _calls(each, "shown") for part in ast.iter_child_nodes(each)
            }
            opened = [each for each in ast.walk(tree) if _opens(each) and id(each) not in wrapped]
            if opened:
                apart.add(path.relative_to(root).as_posix())
    assert apart - {"serving/assets.py"} == NOT_SHOWN.keys()  # its check counts customers and MRR, which are facts


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _opens(node: ast.AST) -> bool:
    if _calls(node, "the_lake"):
        return True
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "open":
        return False
    return isinstance(node.func.value, ast.Name) and node.func.value.id == "lake"
