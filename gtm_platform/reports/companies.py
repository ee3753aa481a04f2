"""Companies and their cohorts as sections of reports; without companies in the lake there are none."""

from gtm_platform.reports.content import Column, Table
from gtm_platform.reports.figures import Figures, Row
from gtm_platform.reports.wording import money, number, signed
from gtm_platform.serving.snapshot.layout import COMPANIES, TRANSITIONS
from gtm_platform.serving.wording import COHORT_NAMES, NOTHING, counted

LISTED = 15
FIGURES = ("companies", "company_mrr", "mean_company_health", "companies_at_risk", "dormant_companies")
MOVED = """select company_id, "at", from_cohort, to_cohort, "trigger", competitor_displaced
    from days order by "at" desc, company_id"""
NAMES = """select company_id, arg_max(coalesce(name, domain, company_id), as_of) as name
    from days group by company_id"""
AT_RISK = """select company_id, any_value(company_name) as name, count(*) as customers,
        count(*) filter (health_status not in ('healthy', 'new')) as at_risk, sum(coalesce(mrr_reporting, 0)) as mrr,
        sum(coalesce(mrr_reporting, 0)) filter (health_status not in ('healthy', 'new')) as mrr_at_risk,
        avg(health_score) as health,
        list_sort(list(distinct assigned_am) filter (assigned_am is not null)) as managers
    from now where is_customer and company_id is not null group by company_id having at_risk > 0
    order by mrr_at_risk desc, company_id"""


def cohort_sections(figures: Figures) -> list[Table]:
    """Return the cohorts with their figures, and which companies moved in the period."""
    if figures.value("companies") is None:
        return []
    return [_cohorts(figures), _moved(figures)]


def _cohorts(figures: Figures) -> Table:
    values = {name: figures.by(name, "cohort") for name in FIGURES}
    before = figures.by("companies", "cohort", figures.before) if figures.before else {}
    return Table(
        "Companies by cohort",
        [
            Column("Cohort"), Column("Companies", "right"), Column("Change", "right"), Column("MRR", "right"),
            Column("Mean health", "right"), Column("At risk", "right"), Column("Dormant", "right"),
        ],
        [
            [
                title,
                number(values["companies"].get(cohort) or 0),
                _change(values["companies"].get(cohort), before.get(cohort)) if before else NOTHING,
                money(values["company_mrr"].get(cohort) or 0, figures.currency),
                number(values["mean_company_health"].get(cohort), 1),
                number(values["companies_at_risk"].get(cohort) or 0),
                number(values["dormant_companies"].get(cohort) or 0),
            ]
            for cohort, title in COHORT_NAMES.items()
        ],
    )  # fmt: skip


def _change(now: float | None, then: float | None) -> str:
    change = (now or 0) - (then or 0)
    return signed(number(change)) if change else number(0)


def moved_companies(figures: Figures) -> list[Row]:
    """Return the changes of companies' cohorts in the period, the newest first, with the company's name."""
    rows = figures.rows_of(TRANSITIONS, MOVED)
    names = {row["company_id"]: row["name"] for row in figures.rows_of(COMPANIES, NAMES)} if rows else {}
    return [{**row, "name": str(names.get(row["company_id"], row["company_id"]))} for row in rows]


def _moved(figures: Figures) -> Table:
    rows = moved_companies(figures)
    return Table(
        "Companies that moved",
        [Column("Company"), Column("Day"), Column("What happened"), Column("From"), Column("To")],
        [
            [
                row["name"],
                f"{row['at']:%-d %b}",
                what_happened(row),
                COHORT_NAMES.get(row["from_cohort"], NOTHING),
                COHORT_NAMES.get(row["to_cohort"], NOTHING),
            ]
            for row in rows[:LISTED]
        ],
        note=f"and {number(len(rows) - LISTED)} more." if len(rows) > LISTED else "",
        empty="No company moved.",
    )


def what_happened(row: Row) -> str:
    """Return what brought a change of cohort, and which competitor it was at the cost of."""
    displaced = row["competitor_displaced"]
    return f"{row['trigger']}, from {displaced}" if displaced else str(row["trigger"])


def companies_at_stake(figures: Figures) -> list[Table]:
    """Return the companies with customers at risk, those with the most MRR at risk first."""
    rows = figures.rows(AT_RISK)
    if not rows:
        return []
    more = len(rows) - LISTED
    table = Table(
        "Companies with customers at risk",
        [
            Column("Company"), Column("Account managers", width="24%"), Column("At risk", "right"),
            Column("MRR", "right"), Column("MRR at risk", "right"), Column("Mean health", "right"),
        ],
        [
            [
                row["name"] or row["company_id"],
                ", ".join(row["managers"] or []) or NOTHING,
                f"{number(row['at_risk'])} of {number(row['customers'])}",
                money(row["mrr"], figures.currency),
                money(row["mrr_at_risk"], figures.currency),
                number(row["health"], 1),
            ]
            for row in rows[:LISTED]
        ],
        note=f"and {counted(more, 'company', 'companies')} more." if more > 0 else "",
    )  # fmt: skip
    return [table]
