"""Which companies are won, pay and stay, by what they are; and who fits best of those that are open."""

import json
from typing import Any

from gtm_platform.intelligence.icp.fit import TABLE as FIT
from gtm_platform.intelligence.icp.groups import ALL
from gtm_platform.intelligence.icp.groups import TABLE as GROUPS
from gtm_platform.intelligence.leads.outcomes import OPEN
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.tables import rows_of_day

LISTED = 100
VERDICT = ("verdict", "auc", "auc_low", "auc_high")


def make(draft: Draft) -> dict[str, Any]:
    """Return the groups, all companies first, the verdict on the fit, and who fits best."""
    landing = draft.landing
    groups = rows_of_day(landing, GROUPS.key, f"from rows order by trait <> '{ALL}', trait, companies desc, value")
    fits = rows_of_day(
        landing,
        FIT.key,
        f"""select * exclude (day, outcome), count(*) over () as open_companies from rows where outcome = '{OPEN}'
            order by fit desc nulls last, company_id limit {LISTED}""",
    )
    names = dict(draft.db.execute("select company_id, json_extract(body, '$.name') from companies"))
    verdict = fits[0] if fits else {}
    shown = ("company_id", "fit", "times_all", "base_log_odds", "reasons")
    return {
        "groups": groups,
        **{name: verdict.get(name) for name in VERDICT},
        "left_out": json.loads(verdict.get("left_out") or "{}"),
        "open_companies": verdict.get("open_companies", 0),
        "companies": [
            {"company": names.get(row["company_id"]), **{name: row[name] for name in shown}}
            for row in fits
            if row["reasons"]
        ],
    }


FACT = Fact("icp", "Won, lost, LTV and churn by what companies are, and the open companies that fit best.", make)
