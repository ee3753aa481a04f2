"""Who may be the same and was not tied together, or was and may be two: with the evidence, and how a person decides."""

from collections.abc import Mapping
from typing import Any

from gtm_platform.identity.review import RULES, TWO_COMPANIES
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.layout import COMPANY_IDS, CUSTOMERS, REVIEW

LISTED = 500
SIDES = ("first", "second")


def make(draft: Draft) -> dict[str, Any]:
    """Return the pairs of the newest day, those that a rule held back first, and their numbers."""
    lake, day = draft.landing.lake, draft.landing.day
    empty: dict[str, Any] = {"as_of": day, "total": 0, "counts": [], "pairs": []}
    if not lake.has(REVIEW, day):
        return empty
    review, people, companies = (lake.query_day(table, day) for table in (REVIEW, CUSTOMERS, COMPANY_IDS))
    files = [*review.files, *people.files, *companies.files]
    order = f"list_position({list(RULES)}, rule)"
    with cursor() as connection, lake.naming_damage(lambda: files):
        counts = connection.execute(
            f"select kind, rule, count(*) from ({review.sql}) group by kind, rule order by kind, {order}"
        ).fetchall()
        listed = connection.execute(
            f"""with named as (
                select customer_id as id, name, email as address from ({people.sql})
                union all select company_id, name, domain from ({companies.sql})
            ), listed as (
                select * from ({review.sql}) order by kind, {order}, score desc nulls last, first_id, second_id limit ?
            ) select kind, rule, first_id, one.name, one.address, second_id, other.name, other.address, score, reason
            from listed left join named as one on one.id = first_id left join named as other on other.id = second_id
            order by kind, {order}, score desc nulls last, first_id, second_id""",
            (LISTED,),
        ).fetchall()
    names = ("kind", "rule", *(f"{side}_{part}" for side in SIDES for part in ("id", "name", "address")))
    pairs = [dict(zip((*names, "score", "reason"), row, strict=True)) for row in listed]
    return {
        **empty,
        "total": sum(count for *_, count in counts),
        "counts": [dict(zip(("kind", "rule", "pairs"), row, strict=True)) for row in counts],
        "pairs": [{**pair, **_decisions(pair)} for pair in pairs],
    }


def _decisions(pair: Mapping[str, Any]) -> dict[str, str]:
    """Say how a person decides that the two are the same, and that they are not."""
    first, second = pair["first_id"], pair["second_id"]
    if pair["rule"] == TWO_COMPANIES:
        return {"if_same": "", "if_not": f"gtm why {first}, then gtm identity split RECORD RECORD --why REASON"}
    decide = f"{first} {second} --why REASON"
    return {"if_same": f"gtm identity merge {decide}", "if_not": f"gtm identity split {decide}"}


FACT = Fact("who_is_who", "Pairs of customers and of companies that may be the same, for a person to decide.", make)
