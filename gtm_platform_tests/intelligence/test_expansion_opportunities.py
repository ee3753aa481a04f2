"""Who may buy more: each sign at its border, with its evidence and what is at stake."""

from decimal import Decimal
from typing import Any

from gtm_platform.intelligence.expansion import expansion_opportunities
from gtm_platform.policy import policy
from gtm_platform_tests.tables import DAY, computed, days_ago, filled, rows_of


def signs(
    accounts: list[dict[str, Any]], hiring: dict[str, tuple[str, int]], signups: dict[str, list[int]]
) -> dict[tuple[str, str], tuple[str, int, bool]]:
    people = [
        {"customer_id": f"{company}{n}", "company_id": company, "signup_at": days_ago(days)}
        for company, ages in signups.items()
        for n, days in enumerate(ages)
    ]
    table = computed(
        expansion_opportunities.table,
        "intelligence/expansion_opportunities",
        accounts=filled("cohorts/company_accounts", *accounts),
        cohorts=filled(
            "cohorts/company_cohorts",
            *[
                {"company_id": company, "ai_hiring_status": status, "ai_job_count": jobs}
                for company, (status, jobs) in hiring.items()
            ],
        ),
        people=filled("identity/people", *[{key: row[key] for key in ("customer_id", "company_id")} for row in people]),
        profile=filled("core/profile", *[{key: row[key] for key in ("customer_id", "signup_at")} for row in people]),
        policy=policy(),
        day=DAY,
    )
    return {
        (row["company_id"], row["sign"]): (row["evidence"], row["at_stake"], row["is_largest"])
        for row in rows_of(table)
    }


def test_each_sign_has_its_evidence_and_its_stake() -> None:
    accounts = [
        {"company_id": "a", "mrr": Decimal("100.00"), "limit_share": 0.8},
        {"company_id": "b", "mrr": Decimal("50.01"), "limit_share": 0.7999},
        {"company_id": "c", "mrr": Decimal(0), "limit_share": 1.0},
        {"company_id": "d", "mrr": Decimal(10)},
    ]
    hiring = {"a": ("actively_hiring_high", 7), "b": ("actively_hiring_low", 1), "c": ("actively_hiring_high", 9)}
    signups = {"a": [0], "b": [0, 29], "d": [1, 30]}
    assert signs(accounts, hiring, signups) == {
        ("a", "near_limit"): ("80 % of its limits", 5000, True),
        ("a", "hiring"): ("7 open AI jobs", 1000, False),
        ("b", "new_people"): ("2 people signed up in 30 days", 1000, True),
    }
