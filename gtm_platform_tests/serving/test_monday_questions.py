"""Seven questions of a Monday morning: dashboard, API and chat answer each with what SQL over the lake says."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from gtm_platform.dashboard.wording import money
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.serving.wording import words
from gtm_platform_tests.dashboard.conftest import Open, opener
from gtm_platform_tests.dashboard.test_pages import AT_RISK, cards, listed, texts
from gtm_platform_tests.dashboard.world import DAY, settle
from gtm_platform_tests.serving.server import Served, serving
from gtm_platform_tests.serving.test_chat import call
from gtm_platform_tests.tables import filled

CUSTOMERS, DAYS = 240, 9
MORNING = datetime(2026, 3, 3, 6, tzinfo=UTC)
WEEK_AGO = date(2026, 2, 23)
READ_UNTIL = {"stripe": DAY, "hubspot": DAY - timedelta(days=4)}
SOURCES = {"stripe": "stripe/charges", "hubspot": "hubspot/contacts"}
TITLES = {"Stripe": "stripe", "HubSpot": "hubspot"}
Answer = Any


@dataclass(frozen=True)
class Platform:
    """What the three are platform over, and the days of the wide table as a frame."""

    lake: Lake
    open_page: Open
    api: Served

    def rows(self, query: str, table: str = "core/unified_customers", day: date = DAY) -> list[tuple[Any, ...]]:
        """What SQL says; {table} is the newest day, {before} the wide table a week before."""
        days = {"table": (table, day), "before": ("core/unified_customers", WEEK_AGO)}
        sources = {name: f"({self.lake.query_day(of, str(at)).sql})" for name, (of, at) in days.items()}
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(query.format(**sources)).fetchall()

    def history(self) -> pd.DataFrame:
        """All days of the wide table."""
        query = self.lake.file_query("core/unified_customers", self.lake.files("core/unified_customers"))
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            columns = "customer_id, as_of, is_customer, health_status, churn_risk, mrr_reporting::double as mrr"
            return connection.execute(f"select {columns} from ({query.sql}) order by as_of").df()

    def get(self, path: str) -> Any:
        answer = self.api.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def chat(self, tool: str, **arguments: Any) -> Any:
        return call(self.api, tool, **arguments)


@pytest.fixture(scope="module")
def monday_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("monday")
    lake = Lake(home / "lake")
    for source, table in SOURCES.items():
        day = READ_UNTIL[source]
        partition = str(day) if source == "stripe" else f"{day}T0000"
        lake.write(table, partition, engine().to_pyarrow(filled(table)))
    settle(home, CUSTOMERS, DAYS)
    return home


@pytest.fixture(scope="module")
def monday_api(monday_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(monday_home / "serving", tmp_path_factory.mktemp("state") / "state.db") as served:
        served.time.moment = MORNING
        yield served


@pytest.fixture
def platform(monday_home: Path, monday_api: Served, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setenv("GTM_NOW", MORNING.isoformat())
    return Platform(Lake(monday_home / "lake"), opener(monday_home, monkeypatch), monday_api)


# --- who is at risk above 1,000 MRR, and whose are they ---------------------------------------------------------------


def brief(rows: list[dict[str, Any]]) -> Answer:
    return sorted((row["name"], text_or_none(row["assigned_am"]) or "", row["mrr_reporting"]) for row in rows)


def text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def large_at_risk(platform: Platform) -> Answer:
    query = f"""select name, coalesce(assigned_am, ''), mrr_reporting::double from {{table}}
        where {AT_RISK} and mrr_reporting >= 1000"""
    return sorted(platform.rows(query))


def large_at_risk_on_the_page(platform: Platform) -> Answer:
    return brief(listed(platform.open_page("at_risk", mrr_min="1000")))


def large_at_risk_by_api(platform: Platform) -> Answer:
    return brief(platform.get("/v1/at-risk?mrr_min=1000&limit=200")["data"])


def large_at_risk_in_chat(platform: Platform) -> Answer:
    bad = ["at_risk", "high_risk", "critical"]
    return brief(platform.chat("find_customers", health=bad, mrr_at_least=1000, limit=50)["customers"])


# --- why is X at risk -------------------------------------------------------------------------------------------------


def the_worst(platform: Platform) -> str:
    query = f"select customer_id from {{table}} where {AT_RISK} order by len(risk_signals) desc, health_score limit 1"
    return str(platform.rows(query)[0][0])


def reasons(platform: Platform) -> Answer:
    [(score, signals, taken, activity)] = platform.rows(
        f"""select health_score, risk_signals, override_cancel + override_delinquent + override_inactive
            + override_critical, activity_score from {{table}} where customer_id = '{the_worst(platform)}'""",
        "health/customer_health",
    )
    return score, sorted(signals), taken, activity


def reasons_in(text: str) -> Answer:
    """What sentences say: the score, the signals, the points taken off, the score of the activity."""
    sections = {block.splitlines()[0]: block.splitlines()[1:] for block in text.split("\n\n")}
    score = int(re.findall(r"within 0 and 100: (\d+)", text)[0])
    taken = sum(float(line.split()[0]) for line in sections["Score"][1:-1])
    signals = sorted(line.strip().partition(":")[0] for line in sections["Signals"])
    return score, signals, taken, float(re.findall(r"activity .*\(scores ([\d.]+)", text)[0])


def reasons_on_the_page(platform: Platform) -> Answer:
    [code] = platform.open_page("customer", id=the_worst(platform)).code
    return reasons_in(code.value)


def reasons_by_api(platform: Platform) -> Answer:
    return reasons_in(platform.get(f"/v1/customers/{the_worst(platform)}")["written_explanation"])


def reasons_in_chat(platform: Platform) -> Answer:
    return reasons_in(platform.chat("explain_health", who=the_worst(platform))["written_explanation"])


# --- what changed since last week -------------------------------------------------------------------------------------


def changed(platform: Platform) -> Answer:
    fell = platform.rows("select score_change_7d from {table} where score_change_7d <= -5", "health/customer_health")
    query = "select count(*) from {table} where customer_status = 'churned' and churned_at::date > '2026-02-23'"
    mrr = "select sum(mrr_reporting)::double from {table} where is_customer"
    [(left,)], [(now,)], [(then,)] = platform.rows(query), platform.rows(mrr), platform.rows(mrr, day=WEEK_AGO)
    return len(fell), sorted(change for (change,) in fell)[:20], left, money(then, "usd"), money(now, "usd")


def changed_on_the_page(platform: Platform) -> Answer:
    app = platform.open_page("changes")
    text = texts(app)
    [fell], [left] = (
        re.findall(r"Scores that fell in 7 days: (\d+)", text),
        re.findall(r"Churned in 7 days: (\d+)", text),
    )
    [(then, now)] = re.findall(r"(\S+(?: k| M)?) became (\S+(?: k| M)?), net", text)
    return int(fell), [row["score_change_7d"] for row in listed(app)][:20], int(left), then, now


def changed_in(answer: dict[str, Any]) -> Answer:
    changes = [row["score_change_7d"] for row in answer["fell"]]
    mrr = answer["mrr"]
    return (
        answer["total_fell"],
        changes,
        answer["total_churned"],
        money(mrr["before"], "usd"),
        money(mrr["after"], "usd"),
    )


def changed_by_api(platform: Platform) -> Answer:
    return changed_in(platform.get("/v1/changes"))


def changed_in_chat(platform: Platform) -> Answer:
    return changed_in(platform.chat("what_changed"))


# --- who churned, and could we have known -----------------------------------------------------------------------------


def churned(platform: Platform) -> Answer:
    left = platform.rows(
        """select customer_id, name, churned_at::date, churn_reason from {table}
            where customer_status = 'churned' and churned_at::date > date '2026-03-02' - 30"""
    )
    history = platform.history()
    answers = []
    for id, name, day, reason in left:
        was = history[(history.customer_id == id) & history.is_customer & (history.as_of.dt.date < day)]
        bad = was[(was.health_status != "healthy") | (was.churn_risk >= 50)]
        mrr = was.mrr.iloc[-1] if len(was) else None
        answers.append((name, str(day), reason, mrr, (day - bad.as_of.dt.date.iloc[0]).days if len(bad) else 0))
    return sorted(answers, key=str)


REASONS = {words(reason): reason for reason in ("too_expensive", "missing_features", "unused")}


def churned_on_the_page(platform: Platform) -> Answer:
    app = platform.open_page("changes", days="30 days")
    table = next(rows for number in range(len(app.dataframe)) if "warning" in (rows := listed(app, number))[0])
    warned = [0 if row["warning"] in ("none", "unknown") else int(row["warning"].split()[0]) for row in table]
    names, days = [row["name"] for row in table], [str(row["churned_at"].date()) for row in table]
    reasons = [REASONS[row["churn_reason"]] for row in table]
    paid = [filled_or_none(row["mrr_before"]) for row in table]
    return sorted(zip(names, days, reasons, paid, warned, strict=True), key=str)


def filled_or_none(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def churned_in(rows: list[dict[str, Any]]) -> Answer:
    return sorted(
        (
            (
                row["customer"]["name"],
                row["churned_at"][:10],
                row["customer"]["churn_reason"],
                row["mrr_before"],
                row["days_of_warning"],
            )
            for row in rows
        ),
        key=str,
    )


def churned_by_api(platform: Platform) -> Answer:
    return churned_in(platform.get("/v1/churned?limit=200")["data"])


def churned_in_chat(platform: Platform) -> Answer:
    return churned_in(platform.chat("who_churned", limit=50)["churned"])


# --- how did MRR move -------------------------------------------------------------------------------------------------

PARTS = ("new", "expansion", "contraction", "churned")


def moved(platform: Platform) -> Answer:
    query = """with pairs as (
            select coalesce(n.is_customer, false) as now, coalesce(b.is_customer, false) as was,
                if(now, n.mrr_reporting, 0)::double as pays, if(was, b.mrr_reporting, 0)::double as paid
            from {table} n full join {before} b using (customer_id)
        ) select sum(pays) filter (not was), sum(pays - paid) filter (now and was and pays > paid),
            sum(paid - pays) filter (now and was and pays < paid), sum(paid) filter (not now), sum(paid), sum(pays)
        from pairs"""
    *parts, before, after = [value or 0 for value in platform.rows(query)[0]]
    return [round(part, 2) for part in parts], money(before, "usd"), money(after, "usd")


def moved_on_the_page(platform: Platform) -> Answer:
    app = platform.open_page("revenue")
    members = listed(app)
    sums = [round(sum(row[f"{part}_mrr"] for row in members), 2) for part in PARTS]
    [(then, now)] = re.findall(r"(\S+(?: k| M)?) became (\S+(?: k| M)?), net", texts(app))
    return sums, then, now


def moved_in(mrr: dict[str, Any]) -> Answer:
    return [round(mrr[part], 2) for part in PARTS], money(mrr["before"], "usd"), money(mrr["after"], "usd")


def moved_by_api(platform: Platform) -> Answer:
    return moved_in(platform.get("/v1/changes?days=7")["mrr"])


def moved_in_chat(platform: Platform) -> Answer:
    return moved_in(platform.chat("what_changed", days=7)["mrr"])


# --- which account manager needs help ---------------------------------------------------------------------------------


def managers(platform: Platform) -> Answer:
    query = f"""select coalesce(assigned_am, 'None'),
        coalesce(sum(mrr_reporting) filter ({AT_RISK}), 0)::double as risk,
        count(*) filter ({AT_RISK}), count(*) from {{table}} where is_customer group by 1 order by risk desc"""
    return platform.rows(query)


def managers_on_the_page(platform: Platform) -> Answer:
    columns = ("am", "mrr_at_risk", "at_risk", "customers")
    return [tuple(row[name] for name in columns) for row in listed(platform.open_page("overview"))]


def managers_in(rows: list[dict[str, Any]]) -> Answer:
    return [(row["account_manager"] or "None", row["mrr_at_risk"], row["at_risk"], row["customers"]) for row in rows]


def managers_by_api(platform: Platform) -> Answer:
    return managers_in(platform.get("/v1/account-managers")["data"])


def managers_in_chat(platform: Platform) -> Answer:
    return managers_in(platform.chat("account_managers")["account_managers"])


# --- is the data fresh ------------------------------------------------------------------------------------------------


def late(platform: Platform) -> Answer:  # noqa: ARG001  both are read daily or more often, with a grace of hours
    return [(source, day < DAY) for source, day in sorted(READ_UNTIL.items())]


def late_on_the_page(platform: Platform) -> Answer:
    app = platform.open_page("data_health")
    states = {TITLES[row["source"]]: list(row["state"]) == ["Late"] for row in listed(app)}
    assert cards(app)["Late sources"] == f"{sum(states.values())} of {len(states)}"
    return sorted(states.items())


def late_in(answer: dict[str, Any]) -> Answer:
    states = sorted((source["source"], source["is_late"]) for source in answer["sources"])
    assert answer["late"] == [source for source, is_late in states if is_late]
    return states


def late_by_api(platform: Platform) -> Answer:
    return late_in(platform.get("/v1/freshness"))


def late_in_chat(platform: Platform) -> Answer:
    return late_in(platform.chat("freshness"))


QUESTIONS = {
    "who is at risk above 1,000 MRR, and whose are they": (
        large_at_risk,
        large_at_risk_on_the_page,
        large_at_risk_by_api,
        large_at_risk_in_chat,
    ),
    "why is X at risk": (reasons, reasons_on_the_page, reasons_by_api, reasons_in_chat),
    "what changed since last week": (changed, changed_on_the_page, changed_by_api, changed_in_chat),
    "who churned, and could we have known": (churned, churned_on_the_page, churned_by_api, churned_in_chat),
    "how did MRR move": (moved, moved_on_the_page, moved_by_api, moved_in_chat),
    "which account manager needs help": (managers, managers_on_the_page, managers_by_api, managers_in_chat),
    "is the data fresh": (late, late_on_the_page, late_by_api, late_in_chat),
}
SURFACES = ("page", "api", "chat")


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("question", QUESTIONS)
def test_each_question_has_one_answer(platform: Platform, question: str, surface: str) -> None:
    expect, *answers = QUESTIONS[question]
    expected: Answer = expect(platform)
    assert expected
    answer: Callable[[Platform], Answer] = answers[SURFACES.index(surface)]
    assert approximate(answer(platform)) == approximate(expected)


def approximate(value: Answer) -> Answer:
    """Amounts to the cent, through tuples and lists."""
    if isinstance(value, list | tuple):
        return [approximate(each) for each in value]
    return round(value, 2) if isinstance(value, float) else value
