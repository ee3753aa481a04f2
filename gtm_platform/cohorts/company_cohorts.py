"""`cohorts/company_cohorts`: the cohort of each company, the first in priority that applies, and why."""

import ibis

from gtm_platform.ingest.feeds import INSTANT
from gtm_platform.lake.contracts import Column, Contract, Figure
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, as_scalar, within
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import NO_TEXTS, number
from gtm_platform.market.signals import DEVELOPER_ACTS, about
from gtm_platform.policy import Market, Policy
from gtm_platform.policy import policy as current_policy

CUSTOMER, PARTNER, IN_MARKET, COMPETITOR = (
    "cohort_1_current_customer",
    "cohort_4_si_partner",
    "cohort_2_in_market",
    "cohort_3_competitor",
)
COHORTS = (CUSTOMER, PARTNER, IN_MARKET, COMPETITOR)  # from the highest in priority to the lowest
STRENGTHS = ("very_strong", "strong", "moderate", "weak")
HIRING = ("not_hiring", "actively_hiring_low", "actively_hiring_medium", "actively_hiring_high")
SIGNS = ("hiring_ai_engineers", "building_rag", "ai_native", "evaluating", "using_competitor")


def _size_of(cohort: str) -> Figure:
    return lambda t: (t["customer_cohort"] == cohort).sum()


SIZES = {cohort: _size_of(cohort) for cohort in COHORTS}  # of any table with a row per company and its cohort

CONTRACT = Contract(
    {
        "company_id": Column("string", "The company.", nullable=False),
        "as_of": Column("date", "The day at whose end all of this was so.", nullable=False),
        "customer_cohort": Column(
            "string", f"{', '.join(COHORTS)}; null where nothing is known.", rule=lambda v: v.isin(COHORTS)
        ),
        "chroma_customer_status": Column("string", "As cohorts/company_accounts has it."),
        "in_market_signals": Column("array<string>", f"Of {', '.join(SIGNS)}, sorted.", nullable=False),
        "signal_points": Column("float64", "Sum of what its signals are worth on the day.", nullable=False),
        "signal_strength": Column("string", ", ".join(STRENGTHS) + ".", rule=lambda v: v.isin(STRENGTHS)),
        "signal_source": Column("array<string>", "The sources of its signals that still count.", nullable=False),
        "newest_signal_at": Column(INSTANT, "Newest of its signals."),
        "first_signal_at": Column(INSTANT, "Oldest of its signals, of those that are over, too."),
        "first_signal_source": Column("string", "The source that saw it first."),
        "ai_job_count": Column("int64", "Open AI jobs.", nullable=False),
        "ai_hiring_status": Column(
            "string", f"{', '.join(HIRING)}; null where no job of it was ever seen.", rule=lambda v: v.isin(HIRING)
        ),
        "use_case_detected": Column("string", "What it builds, by the policy's words."),
        "current_vector_db": Column("string", "The competitor that it was seen to use last."),
        "competitor_source_channel": Column("string", "Where that was seen."),
        "competitor_pain_points": Column("array<string>", "What it complains of there.", nullable=False),
        "competitor_first_seen_at": Column(INSTANT, "Oldest evidence of any competitor."),
        "competitor_relationship_status": Column("string", "unknown, for the cohort of competitors."),
        "displacement_play": Column("string", "<competitor>_migration, for companies in the market."),
        "follow_up_cadence": Column("string", "For the cohort of competitors."),
        "si_partner_status": Column("string", "As market/partners has it."),
        "si_partner_tier": Column("string", "As market/partners has it."),
    },
    key=("company_id",),
    about="One row per company: its cohort and the signs behind it, at the end of the day.",
    figures=SIZES,
)


def table(
    accounts: ibis.Table,
    signals: ibis.Table,
    competitors: ibis.Table,
    partners: ibis.Table,
    policy: Policy,
    day: Day,
) -> ibis.Table:
    """Return a row per company."""
    rules = policy.market
    parts = [
        _signs(signals, rules, day),
        _competitor(competitors),
        partners.select("company_id", si_partner_status="status", si_partner_tier="tier"),
    ]
    rows = left_join_all(accounts.select("company_id", "is_signed_up", "chroma_customer_status"), parts, "company_id")
    cohort = _cohort(rows, policy)
    rows = rows.mutate(customer_cohort=cohort, **_hiring(rows, rules), **_strength(rows, rules))
    rows = rows.mutate(in_market_signals=_in_market_signals(rows))
    in_market, with_competitor = rows["customer_cohort"] == IN_MARKET, rows["customer_cohort"] == COMPETITOR
    empty = {name: ibis.coalesce(rows[name], NO_TEXTS) for name in ("signal_source", "competitor_pain_points")}
    return rows.mutate(
        **empty,
        as_of=as_scalar(day),
        displacement_play=ibis.ifelse(in_market, rows["current_vector_db"] + "_migration", ibis.null("string")),
        competitor_relationship_status=ibis.ifelse(with_competitor, "unknown", ibis.null("string")),
        follow_up_cadence=ibis.ifelse(with_competitor, policy.companies.follow_up_cadence, ibis.null("string")),
    ).select(*CONTRACT.columns)


def _signs(signals: ibis.Table, rules: Market, day: Day) -> ibis.Table:
    active, job, visit = signals["is_active"], signals["kind"] == "job", signals["kind"] == "visit"
    ai_job = (
        job
        & active
        & (
            signals["title"].re_search(rules.hiring.ai_job_words).fill_null(False)
            | about(signals["topics"], rules.building_rag)
        )
    )
    seen_pages = visit & about(signals["topics"], rules.evaluating.pages)
    lately = visit & within(signals["at"], day, rules.evaluating.days)
    words = signals["topics"].join(" ").fill_null("") + " " + signals["title"].fill_null("")
    first = ibis.struct({"at": signals["at"], "signal_id": signals["signal_id"], "source": signals["source"]})
    summed = signals.group_by("company_id").agg(
        active_signals=active.sum(),
        signal_points=signals["points"].sum(),
        signal_source=signals["source"].collect(where=active, distinct=True),
        newest_signal_at=signals["at"].max(),
        first=first.min(),
        jobs=job.sum(),
        ai_job_count=ai_job.sum(),
        builds_rag=(active & about(signals["topics"], rules.building_rag) & job).any(),
        develops=(active & signals["kind"].isin(DEVELOPER_ACTS)).any(),
        evaluates=(seen_pages & within(signals["at"], day, rules.evaluating.days)).any(),
        visits=lately.sum(),
        **{f"is_{number_}": words.re_search(case.words).any() for number_, case in enumerate(rules.use_cases)},
    )
    cases = ibis.cases(*((summed[f"is_{place}"], case.name) for place, case in enumerate(rules.use_cases)))
    return summed.mutate(
        use_case_detected=cases,
        first_signal_at=summed["first"]["at"],
        first_signal_source=summed["first"]["source"],
        evaluates=summed["evaluates"] | (summed["visits"] >= rules.evaluating.visits),
        signal_source=summed["signal_source"].sort(),
    ).drop("first", *(f"is_{place}" for place in range(len(rules.use_cases))))


def _competitor(competitors: ibis.Table) -> ibis.Table:
    """Return the competitor that each company was seen to use last; evidence that is too weak is none."""
    certain = competitors.filter(competitors["is_certain"])
    details = {name: certain[name] for name in ("last_seen_at", "vector_db", "newest_channel", "pain_points")}
    newest = certain.group_by("company_id").agg(
        newest=ibis.struct(details).max(), competitor_first_seen_at=certain["first_seen_at"].min()
    )
    return newest.select(
        "company_id",
        "competitor_first_seen_at",
        current_vector_db=newest["newest"]["vector_db"],
        competitor_source_channel=newest["newest"]["newest_channel"],
        competitor_pain_points=newest["newest"]["pain_points"],
    )


def _cohort(rows: ibis.Table, policy: Policy) -> ibis.ir.StringValue:
    return ibis.cases(
        (rows["is_signed_up"].fill_null(False), CUSTOMER),
        (rows["si_partner_status"].isin(policy.companies.partner_statuses).fill_null(False), PARTNER),
        ((rows["active_signals"] > 0).fill_null(False), IN_MARKET),
        (rows["current_vector_db"].notnull(), COMPETITOR),
        else_=None,
    )


def _hiring(rows: ibis.Table, rules: Market) -> dict[str, ibis.Value]:
    jobs = rows["ai_job_count"].fill_null(0)
    none, low, medium, high = HIRING
    status = ibis.cases(
        ((rows["jobs"].fill_null(0) == 0), None),
        (jobs == 0, none),
        (jobs < rules.hiring.medium, low),
        (jobs < rules.hiring.high, medium),
        else_=high,
    )
    return {"ai_job_count": jobs, "ai_hiring_status": status}


def _strength(rows: ibis.Table, rules: Market) -> dict[str, ibis.Value]:
    points = rows["signal_points"].fill_null(0).round(6)
    strength = ibis.cases(
        (points >= number(rules.strength.very_strong), "very_strong"),
        (points >= number(rules.strength.strong), "strong"),
        (points >= number(rules.strength.moderate), "moderate"),
        (points > 0, "weak"),
        else_=None,
    )
    return {"signal_points": points, "signal_strength": strength}


def _in_market_signals(rows: ibis.Table) -> ibis.ir.ArrayValue:
    signs = {
        "hiring_ai_engineers": rows["ai_job_count"] > 0,
        "building_rag": rows["builds_rag"],
        "ai_native": rows["develops"],
        "evaluating": rows["evaluates"],
        "using_competitor": rows["current_vector_db"].notnull(),
    }
    named = ibis.array([ibis.ifelse(sign.fill_null(False), name, ibis.null("string")) for name, sign in signs.items()])
    present: ibis.ir.ArrayValue = named.filter(lambda name: name.notnull()).sort()
    return present


TABLE = DailyTable(
    "cohorts/company_cohorts",
    CONTRACT,
    inputs={
        "accounts": "cohorts/company_accounts",
        "signals": "market/signals",
        "competitors": "competitor_intel/usage",
        "partners": "market/partners",
        "policy": current_policy,
    },
    rule=table,
    per="company",
)
