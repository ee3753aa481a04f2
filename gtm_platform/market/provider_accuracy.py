"""`market/provider_accuracy`: how often each source was right about a company's size, industry and country.

Right is what most sources state of a company, where at least two state something; where as many state one thing as
another, what the source says that is trusted most. Sizes are compared by their class.
"""

import ibis

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, end_of
from gtm_platform.market import firmographics
from gtm_platform.market.mentioned_companies import Tables, inputs_of, with_company
from gtm_platform.policy import Policy

COMPARED = ("country", "industry", "employee_count")
SIZES = (10, 50, 200, 500, 1_000, 5_000, 10_000)  # the most people of each class but the last

CONTRACT = Contract(
    {
        "source": Column("string", "The provider, system or list.", nullable=False),
        "field": Column("string", ", ".join(COMPARED) + ".", nullable=False, rule=lambda v: v.isin(COMPARED)),
        "answers": Column("int64", "Companies of which it states the field.", nullable=False),
        "compared": Column("int64", "Of them, those of which another source states it, too.", nullable=False),
        "right": Column("int64", "Of those, how often it was right.", nullable=False),
        "share": Column(
            "float64", "right of compared; null where nothing was compared.", rule=lambda v: v.between(0, 1)
        ),
    },
    key=("source", "field"),
    about="One row per source and fact about companies, with how often it was right until the end of the day.",
    figures={"compared": lambda t: t["compared"].sum(), "right": lambda t: t["right"].sum()},
)


def table(records: Tables, companies: ibis.Table, policy: Policy, day: Day) -> ibis.Table:
    """Return a row per source and field; of several answers of a source the newest counts."""
    rows = with_company((firmographics.stated(feed, records, policy.market) for feed in firmographics.FEEDS), companies)
    rows = rows.filter(rows["retrieved_at"].isnull() | (rows["retrieved_at"] < end_of(day)))
    answers = _newest(ibis.union(*(_answers(rows, name) for name in COMPARED), distinct=False))
    votes = answers.group_by("company_id", "field", "answer").agg(votes=answers.count(), rank=answers["rank"].min())
    best = ibis.struct({"votes": votes["votes"], "rank": -votes["rank"], "answer": votes["answer"]}).max()
    truth = votes.group_by("company_id", "field").agg(best=best, sources=votes["votes"].sum())
    truth = truth.select("company_id", "field", "sources", agreed=truth["best"]["answer"])
    judged = answers.join(truth, ["company_id", "field"])
    several = judged["sources"] > 1
    shares = judged.group_by("source", "field").agg(
        answers=judged.count(),
        compared=several.sum(),
        right=(several & (judged["answer"] == judged["agreed"])).sum(),
    )
    return shares.mutate(share=(shares["right"] / shares["compared"].nullif(0)).cast("float64").round(4))


def _answers(rows: ibis.Table, name: str) -> ibis.Table:
    """Return [company_id, source, field, rank, age, answer] of the rows that state a field."""
    value = rows[name]
    answer = _size_class(value) if name == "employee_count" else value.cast("string").strip().lower()
    return rows.filter(value.notnull()).select(
        "company_id",
        "source",
        field=ibis.literal(name),
        rank=rows[f"{name}_rank"],
        age=-rows["retrieved_at"].epoch_seconds().fill_null(0),
        answer=answer,
    )


def _size_class(people: ibis.Value) -> ibis.Value:
    return ibis.cases(*((people <= most, str(most)) for most in SIZES), else_="more")


def _newest(answers: ibis.Table) -> ibis.Table:
    """Leave of a source's answers about a company the newest."""
    newest = answers.group_by("company_id", "source", "field").agg(
        newest=ibis.struct({"age": answers["age"], "answer": answers["answer"], "rank": answers["rank"]}).min()
    )
    return newest.select(
        "company_id", "source", "field", answer=newest["newest"]["answer"], rank=newest["newest"]["rank"]
    )


TABLE = DailyTable(
    "market/provider_accuracy",
    CONTRACT,
    inputs=inputs_of(*(feed.table for feed in firmographics.FEEDS)),
    rule=table,
)
