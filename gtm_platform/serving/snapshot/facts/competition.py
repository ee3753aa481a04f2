"""Competitors: their use by month, how deals and companies go where one is, and what hurts, with evidence."""

from typing import Any

from gtm_platform.intelligence.competition.competitor_pains import TABLE as PAINS
from gtm_platform.intelligence.competition.competitor_rates import NONE
from gtm_platform.intelligence.competition.competitor_rates import TABLE as RATES
from gtm_platform.intelligence.competition.competitor_usage import TABLE as USAGE
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.tables import in_major_units, rows_of_day

LISTED = 200  # pieces of evidence, the newest of each pain point first
AMOUNTS = ("won_amount", "lost_amount", "displaced_mrr")


def make(draft: Draft) -> dict[str, Any]:
    """Return rates, use, pain points and evidence; each is empty where its table has no such day."""
    landing = draft.landing
    rates = rows_of_day(
        landing, RATES.key, f"from rows order by competitor = '{NONE}', won + lost + prospects desc, competitor"
    )
    usage = rows_of_day(landing, USAGE.key, "from rows order by month, competitor")
    pains = rows_of_day(
        landing,
        PAINS.key,
        """select competitor, side, pain, count(distinct company_id) as companies, count(*) as pieces,
                max("at")::date as newest
            from rows group by all order by pieces desc, competitor, side, pain""",
    )
    evidence = rows_of_day(
        landing,
        PAINS.key,
        f"""select competitor, side, pain, company_id, channel, "at"::date as day, link, excerpt, evidence_id
            from rows order by row_number() over (
                partition by competitor, side, pain order by "at" desc, evidence_id
            ), "at" desc, evidence_id, competitor, pain limit {LISTED}""",
    )
    names = dict(draft.db.execute("select company_id, json_extract(body, '$.name') from companies"))
    rules = landing.rules.competition
    return {
        "deal_days": rules.deal_days,
        "in_use_days": rules.in_use_days,
        "interval": rules.interval,
        "rates": in_major_units(landing, rates, AMOUNTS),
        "usage": usage,
        "pains": pains,
        "evidence": [row | {"company": names.get(row["company_id"])} for row in evidence],
    }


FACT = Fact("competition", "Use, wins, displacements and pain points by competitor.", make)
