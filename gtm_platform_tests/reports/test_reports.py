"""Reports: every figure against SQL over the lake's files, the same bytes each time, and what spreadsheets do."""

import csv
import io
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gtm_platform.cohorts.company_cohorts import COHORTS
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.reports import render as rendering
from gtm_platform.reports.companies import cohort_sections
from gtm_platform.reports.content import Table
from gtm_platform.reports.figures import Figures, NothingToReport
from gtm_platform.reports.files import CSV, DESCRIPTION, HTML, PDF, PICTURE
from gtm_platform.reports.kinds import discover
from gtm_platform.reports.make import make
from gtm_platform.reports.period import MONTH, QUARTER, WEEK
from gtm_platform.reports.render import NoPdf, as_html, as_pdf, render
from gtm_platform.reports.wording import money
from gtm_platform.serving.csv_file import as_csv
from gtm_platform.serving.wording import words
from gtm_platform_tests.serving.world import settle

PERIODS = {"week": "2026-W07", "month": "2026-01", "quarter": "2025-Q4"}
SPANS = {  # the last day, and the day that it is compared with
    "week": ("2026-02-15", "2026-02-08"),
    "month": ("2026-01-31", "2025-12-31"),
    "quarter": ("2025-12-31", "2025-09-30"),
}
NOW, BEFORE = "from now where is_customer", "from before where is_customer"
PAIRS = """from (from now where is_customer) n full join (from before where is_customer) b using (customer_id)"""
LEFT = "n.is_customer is null"
PAID, PAYS = "coalesce(b.mrr_reporting, 0)", "coalesce(n.mrr_reporting, 0)"
SQL = {
    "customers": f"select count(*) {NOW}",
    "mrr": f"select sum(mrr_reporting) {NOW}",
    "mrr_at_risk": f"select sum(mrr_reporting) {NOW} and health_score < 70",
    "at_risk": f"select count(*) {NOW} and health_score < 70",
    "mean_health": f"select avg(health_score) {NOW}",
    "expected_mrr_loss": f"select sum(mrr_reporting::double * churn_risk / 100) {NOW}",
    "mrr_per_customer": f"select avg(mrr_reporting) {NOW} and mrr_reporting > 0",
    "churned_customers": f"select count(*) {PAIRS} where {LEFT}",
    "new_mrr": f"select coalesce(sum({PAYS}), 0) {PAIRS} where {PAID} <= 0",
    "churned_mrr": f"select coalesce(sum({PAID}), 0) {PAIRS} where {PAYS} <= 0",
    "net_revenue_retention": f"select sum({PAYS}) / sum({PAID}) {PAIRS} where {PAID} > 0",
    "gross_revenue_retention": f"select sum(least({PAYS}, {PAID})) / sum({PAID}) {PAIRS} where {PAID} > 0",
    "mrr_churn": f"select coalesce(sum({PAID}) filter ({PAYS} <= 0), 0) / sum({PAID}) {PAIRS}",
    "customer_churn": f"select count(*) filter ({LEFT}) / count(b.is_customer) {PAIRS}",
}


def in_lake(home: Path, cadence: str, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as db:
        for view, day in zip(("now", "before"), SPANS[cadence], strict=True):
            files = f"{home}/lake/core/unified_customers/{day}.*.parquet"
            db.execute(f"create view {view} as from read_parquet('{files}')")
        return db.execute(query).fetchall()


def figures_of(name: str, lake: Lake) -> Figures:
    cadence = discover()[name].cadence
    return Figures(lake, cadence.named(PERIODS[cadence.name]), policy())


each_report = pytest.mark.parametrize("name", discover())


@each_report
def test_every_figure_is_what_sql_says(name: str, report_home: Path, report_lake: Lake) -> None:
    figures = figures_of(name, report_lake)
    content = discover()[name].content(figures)
    assert (figures.day, figures.before) == SPANS[discover()[name].cadence.name]
    assert len(content.cards) == 4
    for card in content.cards:
        [(expected,)] = in_lake(report_home, discover()[name].cadence.name, SQL[card.name])
        assert card.value == pytest.approx(float(expected)), card.name


def test_the_csv_of_the_week_lists_whose_score_fell(report_home: Path, report_lake: Lake) -> None:
    figures = figures_of("weekly_health", report_lake)
    data = discover()["weekly_health"].content(figures).data
    expected = in_lake(
        report_home,
        "week",
        f"select customer_id, n.health_score - b.health_score {PAIRS} where n.health_score < b.health_score",
    )
    assert {(row["customer_id"], row["change"]) for row in data} == set(expected)
    assert expected


def test_the_csv_of_the_month_adds_up_to_the_change_of_mrr(report_home: Path, report_lake: Lake) -> None:
    figures = figures_of("monthly_mrr", report_lake)
    data = discover()["monthly_mrr"].content(figures).data
    [(now,)], [(before,)] = (
        in_lake(report_home, "month", f"select sum(mrr_reporting) {side}") for side in (NOW, BEFORE)
    )
    assert sum(row["change"] for row in data) == now - before
    sums = {kind: sum(row["change"] for row in data if row["movement"] == kind) for kind in ("new", "churned")}
    assert sums["new"] == in_lake(report_home, "month", SQL["new_mrr"])[0][0]
    assert -sums["churned"] == in_lake(report_home, "month", SQL["churned_mrr"])[0][0]


def test_the_csv_of_the_quarter_adds_up_to_what_is_at_risk(report_home: Path, report_lake: Lake) -> None:
    data = discover()["quarterly_churn_risk"].content(figures_of("quarterly_churn_risk", report_lake)).data
    assert sum(row["mrr_reporting"] or 0 for row in data) == in_lake(report_home, "quarter", SQL["mrr_at_risk"])[0][0]
    assert len(data) == in_lake(report_home, "quarter", SQL["at_risk"])[0][0]


def test_the_scorecard_is_what_sql_says_of_each_account_manager(report_home: Path, report_lake: Lake) -> None:
    data = discover()["account_managers"].content(figures_of("account_managers", report_lake)).data
    states = in_lake(
        report_home,
        "month",
        f"""select coalesce(assigned_am, 'none'), count(*), sum(mrr_reporting)::double,
            coalesce(sum(mrr_reporting) filter (health_score < 70), 0)::double {NOW} group by 1""",
    )
    read = {(row["account_manager"], row["customers"], row["mrr"], row["mrr_at_risk"]) for row in data}
    assert read == set(states)
    retained = in_lake(
        report_home,
        "month",
        f"""select coalesce(b.assigned_am, 'none'), (sum({PAYS}) / sum({PAID}))::double {PAIRS}
            where {PAID} > 0 group by 1""",
    )
    assert {row["account_manager"]: row["net_revenue_retention"] for row in data} == pytest.approx(dict(retained))


def section(name: str, title: str, figures: Figures) -> list[list[str]]:
    """The cells of a table of a report, as they are read."""
    [table] = [block for block in discover()[name].content(figures).blocks if block.title == title]
    assert isinstance(table, Table)
    return [[cell if isinstance(cell, str) else cell.text for cell in row] for row in table.rows]


def test_the_weekly_report_says_where_companies_stand_and_which_moved(report_home: Path, report_lake: Lake) -> None:
    figures = figures_of("weekly_health", report_lake)
    with duckdb.connect() as db:
        companies = f"read_parquet('{report_home}/lake/core/unified_companies/2026-02-15.*.parquet')"
        sizes = dict(db.execute(f"select customer_cohort, count(*) from {companies} group by all").fetchall())
        transitions = f"read_parquet('{report_home}/lake/cohorts/transitions/*.parquet')"
        moved = db.execute(
            f"""select company_id, "trigger" from {transitions} where "at" > date '2026-02-08' order by "at" desc, 1"""
        ).fetchall()
    rows = section("weekly_health", "Companies by cohort", figures)
    assert [int(row[1]) for row in rows] == [sizes[cohort] for cohort in COHORTS]
    rows = section("weekly_health", "Companies that moved", figures)
    assert [(row[0], row[2]) for row in rows] == [(f"Firm {int(id[-2:])}", trigger) for id, trigger in moved]
    assert len(rows) == 3


def test_the_quarterly_report_says_which_companies_are_at_stake(report_home: Path, report_lake: Lake) -> None:
    expected = in_lake(
        report_home,
        "quarter",
        f"""select count(*) filter (health_score < 70) || ' of ' || count(*),
                sum(mrr_reporting) filter (health_score < 70) as risk {NOW} group by company_id
            having risk is not null or count(*) filter (health_score < 70) > 0
            order by coalesce(risk, 0) desc, company_id""",
    )
    rows = section(
        "quarterly_churn_risk", "Companies with customers at risk", figures_of("quarterly_churn_risk", report_lake)
    )
    assert [row[2] for row in rows] == [count for count, _ in expected]
    assert [row[4] for row in rows] == [money(risk or 0, "usd") for _, risk in expected]


def test_the_quarter_says_whether_health_works(report_lake: Lake) -> None:
    rows = dict(section("quarterly_churn_risk", "Does it work by the test of November 2025",
                        figures_of("quarterly_churn_risk", report_lake)))  # fmt: skip
    assert rows["Of these, at risk (precision)"] == "25 % (20 to 30 %)"
    assert rows["Any customer who churned within 90 days (base rate)"] == "5 % (3 to 7 %)"
    assert rows["Churns flagged at least 42 days ahead"] == "50 % (40 to 60 %)"
    assert (rows["Days ahead, in the median"], rows["Missed churns"]) == ("51", "2")


def test_the_quarter_has_what_readers_think_of_its_alerts(report_home: Path, report_lake: Lake) -> None:
    with duckdb.connect() as db:
        sent = f"read_parquet('{report_home}/lake/alerts/precision/*.parquet')"
        expected = db.execute(
            f"""select kind, sum(sent), sum(useful), sum(not_useful) from {sent}
                where day between '2026-01-01' and '2026-02-15' group by 1 order by 2 desc, 1"""
        ).fetchall()
    figures = Figures(report_lake, QUARTER.named("2026-Q1"), policy())
    rows = section("quarterly_churn_risk", "What readers think of alerts", figures)
    assert [row[:4] for row in rows] == [[words(kind), *map(str, counts)] for kind, *counts in expected]
    assert [row[4] for row in rows] == [
        f"{100 * useful / (useful + no):.0f} %" if useful + no else "–" for _, _, useful, no in expected
    ]


@pytest.mark.parametrize("name", ["weekly_health", "monthly_mrr"])
def test_reports_say_how_good_the_data_are(name: str, report_home: Path, report_lake: Lake) -> None:
    figures = figures_of(name, report_lake)
    [(quality,)] = in_lake(report_home, discover()[name].cadence.name, f"select avg(data_quality_score) {NOW}")
    [table] = [block for block in discover()[name].content(figures).blocks if "Data quality" in block.title]
    assert isinstance(table, Table)
    assert f"Mean data quality of customers: {quality:.1f} of 100" in (table.note if table.rows else table.empty)
    odd = [["stripe/charges", "records", "15 Feb", "2", "90.0", "203"],
           ["stripe/charges", "records changed", "15 Feb", "1", "missing", "3.2"]]  # fmt: skip
    assert [*table.rows] == (odd if name == "weekly_health" else [])


def test_the_week_says_which_webhooks_came_and_what_only_schedules_found(report_home: Path, report_lake: Lake) -> None:
    expected = duckdb.sql(
        f"""select hook, sum(received), sum(refused), sum(seconds_to_window * read_events) / sum(read_events),
                max(slowest_seconds), sum(lost), sum(changed)
            from read_parquet('{report_home}/lake/quality/hook_days/*.parquet')
            where day between '2026-02-09' and '2026-02-15' group by hook order by sum(received) desc, hook"""
    ).fetchall()
    assert len(expected) == 2
    rows = section("weekly_health", "Webhooks that came", figures_of("weekly_health", report_lake))
    assert rows == [
        [words(hook), str(received), str(refused), f"{seconds:.0f}", f"{slowest:.0f}", f"{lost} of {changed}"]
        for hook, received, refused, seconds, slowest, lost, changed in expected
    ]


def test_the_week_says_how_soon_stages_saw_what_canaries_did(report_home: Path, report_lake: Lake) -> None:
    expected = duckdb.sql(
        f"""select seen.stage, count(*), count(seen.seen_at), median(epoch(seen.seen_at) - epoch(done.seen_at)) / 3600,
                max(epoch(seen.seen_at) - epoch(done.seen_at)) / 3600, count(*) filter (seen.state = 'seen_late'),
                count(*) filter (seen.state = 'failed')
            from read_parquet('{report_home}/lake/quality/canaries/*.parquet') as seen
            join read_parquet('{report_home}/lake/quality/canaries/*.parquet') as done
                on done.canary = seen.canary and done.act = seen.act and done.day = seen.day and done.stage = 'written'
            where seen.stage <> 'written' and seen.day between '2026-02-09' and '2026-02-15' group by 1"""
    ).fetchall()
    rows = section("weekly_health", "How soon what customers do is seen", figures_of("weekly_health", report_lake))
    assert len(rows) == len(expected) == 5
    assert sorted(rows) == sorted(
        [words(stage), f"{seen} of {acts}", "–" if hours is None else f"{hours:.1f}",
         "–" if slowest is None else f"{slowest:.1f}", str(late), str(failed)]
        for stage, acts, seen, hours, slowest, late, failed in expected
    )  # fmt: skip


def test_the_week_says_what_is_true_in_hubspot(report_home: Path, report_lake: Lake) -> None:
    compared = f"read_parquet('{report_home}/lake/delivery/hubspot_truth/*.parquet')"
    with duckdb.connect() as db:
        [[wanted, share, withheld]] = db.execute(
            f"""select sum(wanted), sum(true_values + healed_values) / sum(wanted), sum(withheld_values)
                from {compared} where day = '2026-02-15'"""
        ).fetchall()
        [[healed]] = db.execute(
            f"select sum(healed_values) from {compared} where day between '2026-02-09' and '2026-02-15'"
        ).fetchall()
    [row] = section("weekly_health", "What is true in HubSpot", figures_of("weekly_health", report_lake))
    assert row == ["Contacts", str(wanted), f"{100 * share:.1f} %", str(healed), str(withheld)]


def test_a_lake_without_companies_has_no_section_of_cohorts(report_lake: Lake) -> None:
    figures = Figures(report_lake, WEEK.named("2026-02-05"), policy())
    assert figures.value("companies") is None
    assert cohort_sections(figures) == []


@pytest.mark.faults("V8")
@each_report
def test_the_page_needs_nothing_else_and_shows_names_as_text(name: str, report_lake: Lake) -> None:
    figures = figures_of(name, report_lake)
    page = as_html(discover()[name], figures, discover()[name].content(figures))
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org/", "")
    assert '"7" O' not in page  # the names of this lake have quotes
    assert "<svg" in page
    assert "Report Sans" in page


SCRIPT = """
import sys, hashlib
from pathlib import Path
import gtm_platform.definitions
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.reports.kinds import discover
from gtm_platform.reports.make import make
for report in discover().values():
    period = report.cadence.named(dict(week="2026-W07", month="2026-01", quarter="2025-Q4")[report.cadence.name])
    made = make(report, period, Lake(Path(sys.argv[1])), policy(), Path(sys.argv[2]))
    print(report.name, made.period, made.no_pdf or "PDF", sorted(made.files.items()))
"""


@pytest.mark.soak
def test_the_same_day_and_inputs_make_the_same_bytes(report_home: Path, tmp_path: Path) -> None:
    """In two processes that hash differently and live in different places of time."""
    made = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SCRIPT, str(report_home / "lake"), str(tmp_path / seed)],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "GTM_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    ]
    assert made[0] == made[1]
    files = {HTML, CSV, PICTURE, DESCRIPTION} | ({PDF} if has_pdf() else set())
    for name, report in discover().items():
        key = report.cadence.named(PERIODS[report.cadence.name]).key
        folders = [tmp_path / seed / "reports" / name / key for seed in ("1", "2")]
        assert {file.name for file in folders[0].iterdir()} == files, name
        for file in folders[0].iterdir():
            assert file.read_bytes() == (folders[1] / file.name).read_bytes(), f"{name} {file.name}"


def has_pdf() -> bool:
    """Whether PDF can be made on this machine: then every report has one."""
    try:
        return bool(as_pdf("<html></html>", "2026-02-15"))
    except NoPdf:
        return False


def test_a_period_that_goes_on_is_marked(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    settle(lake, [date(2026, 2, 10), date(2026, 2, 12)], people=20)
    report = discover()["weekly_health"]
    figures = Figures(lake, WEEK.named("2026-02-12"), policy())
    assert (figures.day, figures.before, figures.is_complete) == ("2026-02-12", "2026-02-10", False)
    assert "so far: to 12 February 2026" in as_html(report, figures, report.content(figures))


@each_report
def test_a_lake_of_one_day_is_reported_without_comparison(name: str, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    settle(lake, [date(2026, 2, 12)], people=20)
    report = discover()[name]
    figures = Figures(lake, report.cadence.named("2026-02-12"), policy())
    assert "there is no day to compare with yet" in as_html(report, figures, report.content(figures))


def test_a_period_without_a_day_is_a_sentence(report_lake: Lake) -> None:
    report = discover()["weekly_health"]
    with pytest.raises(NothingToReport, match="2026-03-02 to 2026-03-08"):
        make(report, WEEK.named("2026-W10"), report_lake, policy(), Path("/nonexistent"))


# --- PDF -------------------------------------------------------------------------------------------------------------


def pdf_or_skip(page: str) -> bytes:
    try:
        return as_pdf(page, "2026-02-15")
    except NoPdf as missing:
        pytest.skip(str(missing))


def test_the_pdf_is_tagged_and_has_its_fonts() -> None:
    page = "<!doctype html><html lang=en><head><title>A</title></head><body><h1>Über</h1></body></html>"
    written = pdf_or_skip(page)
    assert written.startswith(b"%PDF-")
    assert written == as_pdf(page, "2026-02-15")
    assert b"/StructTreeRoot" in written or b"/ObjStm" in written


def test_without_its_libraries_there_is_a_sentence_instead_of_a_pdf(
    report_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "weasyprint"
    broken.mkdir()
    (broken / "__init__.py").write_text("print('advice')\nraise OSError(\"cannot load library 'libpango-1.0-0'\")\n")
    for module in [name for name in sys.modules if name.partition(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.syspath_prepend(tmp_path)
    report, figures = discover()["weekly_health"], figures_of("weekly_health", report_lake)
    rendered = render(report, figures, report.content(figures))
    assert rendered.pdf is None
    assert "libpango-1.0-0 is missing" in rendered.no_pdf
    assert rendered.html.startswith(b"<!doctype html>")
    assert rendered.csv
    assert rendered.picture.startswith(b"\x89PNG")


def test_the_clock_of_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "7")
    with rendering._standing_clock("2026-02-15"):
        assert os.environ["SOURCE_DATE_EPOCH"] == "1771113600"
    assert os.environ["SOURCE_DATE_EPOCH"] == "7"


# --- CSV and periods -------------------------------------------------------------------------------------------------


@pytest.mark.faults("V6")
@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("  @SUM(A1)", "'  @SUM(A1)"),
        ("＝cmd", "'＝cmd"),
        ("\tx", "'\tx"),
        ("-5 %", "'-5 %"),
        ("plain - text", "plain - text"),
        (-5, "-5"),
        (["=a", "b"], "'=a, b"),
        (None, ""),
    ],
)
def test_a_spreadsheet_reads_text_as_text(text: object, written: str) -> None:
    file = as_csv(["a", "b"], [{"a": text, "b": "ü"}])
    assert file.startswith(b"\xef\xbb\xbfa,b\r\n")
    [_, row] = csv.reader(io.StringIO(file.decode("utf-8-sig"), newline=""))
    assert row == [written, "ü"]


@pytest.mark.parametrize(
    ("cadence", "text", "first", "last"),
    [
        (WEEK, "2026-W01", date(2025, 12, 29), date(2026, 1, 4)),
        (WEEK, "2026-02-15", date(2026, 2, 9), date(2026, 2, 15)),
        (MONTH, "2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        (MONTH, "2026-12-31", date(2026, 12, 1), date(2026, 12, 31)),
        (QUARTER, "2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        (QUARTER, "2026Q1", date(2026, 1, 1), date(2026, 3, 31)),
        (QUARTER, "2026-08", date(2026, 7, 1), date(2026, 9, 30)),
    ],
)
def test_a_period_is_named_as_people_do(cadence: Any, text: str, first: date, last: date) -> None:
    period = cadence.named(text)
    assert (period.first, period.last) == (first, last)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-W60", "2026-13", "2026-Q5"])
def test_a_period_that_is_none_is_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is no week: write such as 2026-W48"):
        WEEK.named(text)
