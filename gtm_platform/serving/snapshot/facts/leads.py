"""The leads that are most likely to become customers, with reasons and what is known of each; once scores are shown."""

from typing import Any

from gtm_platform.intelligence.icp.fit import TABLE as FIT
from gtm_platform.intelligence.leads.model import MODEL
from gtm_platform.intelligence.leads.outcomes import TABLE as OUTCOMES
from gtm_platform.intelligence.leads.scores import TABLE as SCORES
from gtm_platform.intelligence.models.registry import SHOWN
from gtm_platform.lake.file_query import text
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.tables import rows_of_day

LISTED = 100


def make(draft: Draft) -> dict[str, Any]:
    """Return the leads with the highest scores; none while the model is in shadow."""
    landing = draft.landing
    summed = "select any_value(verdict) as verdict, any_value(stage) as stage, count(*) as scored from rows"
    [summary] = rows_of_day(landing, SCORES.key, summed)
    listed = rows_of_day(
        landing,
        SCORES.key,
        f"""select lead_id, score, base_log_odds, reasons from rows where stage = '{SHOWN}'
            order by score desc, lead_id limit {LISTED}""",
    )
    ids = ", ".join(text(row["lead_id"]) for row in listed) or "null"
    described = _by_id(
        draft, OUTCOMES.key, f"select lead_id, kind, people, open_deals, lost_deals from rows where lead_id in ({ids})"
    )
    fits = _by_id(
        draft,
        FIT.key,
        f"select company_id as lead_id, fit from rows where len(reasons) > 0 and company_id in ({ids})",
    )
    names = dict(draft.db.execute("select company_id, json_extract(body, '$.name') from companies"))
    customers = {name for (name,) in draft.db.execute("select customer_id from customers")}
    return {
        "horizon_days": MODEL.horizon(landing.rules),
        **summary,
        "leads": [
            row
            | described[row["lead_id"]]
            | {"fit": None}
            | fits.get(row["lead_id"], {})
            | {"company": names.get(row["lead_id"])}
            for row in listed
            if row["lead_id"] in described and (row["lead_id"] in names or row["lead_id"] in customers)
        ],
    }


def _by_id(draft: Draft, table: str, query: str) -> dict[str, dict[str, Any]]:
    return {row["lead_id"]: row for row in rows_of_day(draft.landing, table, query)}


FACT = Fact("leads", "The leads that are most likely to become customers, with reasons.", make)
