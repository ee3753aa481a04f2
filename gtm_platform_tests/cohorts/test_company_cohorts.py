"""The cohort of a company: each rule, and for any signs the first in priority that applies."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from gtm_platform.cohorts import company_cohorts
from gtm_platform.policy import policy
from gtm_platform_tests.tables import DAY, Row, computed, days_ago, filled, rows_of

ACCOUNTS, SIGNALS = "cohorts/company_accounts", "market/signals"
COMPETITORS, PARTNERS = "competitor_intel/usage", "market/partners"


def signal(kind: str = "job", **row: Any) -> dict[str, Any]:
    return {
        "company_id": "c",
        "signal_id": f"{kind}:{row}",
        "kind": kind,
        "at": days_ago(1),
        "is_active": True,
        "points": 1.0,
        "source": "sumble",
        "sources": ["sumble"],
        **row,
    }


def cohort_of(
    account: Row | None = None,
    signals: Sequence[Row] = (),
    competitors: Sequence[Row] = (),
    partners: Sequence[Row] = (),
) -> dict[str, Any]:
    certain = {"company_id": "c", "is_certain": True, "newest_channel": "github"}
    [row] = rows_of(
        computed(
            company_cohorts.table,
            "cohorts/company_cohorts",
            accounts=filled(ACCOUNTS, {"company_id": "c", **(account or {})}),
            signals=filled(SIGNALS, *signals),
            competitors=filled(COMPETITORS, *({**certain, **row} for row in competitors)),
            partners=filled(PARTNERS, *({"company_id": "c", **row} for row in partners)),
            policy=policy(),
            day=DAY,
        )
    )
    return row


SIGNED_UP: Row = {"is_signed_up": True, "chroma_customer_status": "active_free"}
USES: Row = {"vector_db": "pinecone", "last_seen_at": days_ago(3), "first_seen_at": days_ago(9)}
FIRST_THAT_APPLIES = (
    ("cohort_1_current_customer", "account"),
    ("cohort_4_si_partner", "partner"),
    ("cohort_2_in_market", "signal"),
    ("cohort_3_competitor", "competitor"),
)


@pytest.mark.parametrize("applies", list(product((False, True), repeat=4)))
def test_the_first_cohort_in_priority_that_applies(applies: tuple[bool, ...]) -> None:
    signs = dict(zip((name for _, name in FIRST_THAT_APPLIES), applies, strict=True))
    row = cohort_of(
        SIGNED_UP if signs["account"] else None,
        [signal()] if signs["signal"] else [],
        [USES] if signs["competitor"] else [],
        [{"status": "active"}] if signs["partner"] else [],
    )
    expected = next((cohort for cohort, name in FIRST_THAT_APPLIES if signs[name]), None)
    assert row["customer_cohort"] == expected


@pytest.mark.parametrize(("status", "cohort"), [("prospect", "cohort_4_si_partner"), ("inactive", None)])
def test_an_inactive_partner_is_none(status: str, cohort: str | None) -> None:
    assert cohort_of(partners=[{"status": status}])["customer_cohort"] == cohort


def test_a_signal_that_is_over_puts_nobody_into_the_market() -> None:
    over = signal(is_active=False, points=0.0)
    row = cohort_of(signals=[over])
    assert (row["customer_cohort"], row["ai_hiring_status"], row["signal_strength"]) == (None, "not_hiring", None)


def test_knowledge_of_a_competitor_moves_no_customer_and_makes_a_play_for_who_is_in_the_market() -> None:
    customer = cohort_of(SIGNED_UP, competitors=[USES])
    in_market = cohort_of(signals=[signal()], competitors=[USES])
    outsider = cohort_of(competitors=[USES])
    columns = ("current_vector_db", "displacement_play", "competitor_relationship_status", "follow_up_cadence")
    assert [customer[name] for name in columns] == ["pinecone", None, None, None]
    assert [in_market[name] for name in columns] == ["pinecone", "pinecone_migration", None, None]
    assert [outsider[name] for name in columns] == ["pinecone", None, "unknown", "monthly"]


def test_the_competitor_seen_last_counts_and_weak_evidence_does_not() -> None:
    older = {**USES, "vector_db": "qdrant", "last_seen_at": days_ago(30)}
    doubtful = {**USES, "vector_db": "milvus", "last_seen_at": days_ago(1), "is_certain": False}
    assert cohort_of(competitors=[older, USES, doubtful])["current_vector_db"] == "pinecone"
    assert cohort_of(competitors=[doubtful])["customer_cohort"] is None


@pytest.mark.parametrize(
    ("jobs", "status"),
    [
        (0, None),
        (1, "actively_hiring_low"),
        (2, "actively_hiring_low"),
        (3, "actively_hiring_medium"),
        (4, "actively_hiring_medium"),
        (5, "actively_hiring_high"),
    ],
)
def test_how_much_a_company_hires(jobs: int, status: str | None) -> None:
    row = cohort_of(signals=[signal(title="senior ai engineer", signal_id=str(number)) for number in range(jobs)])
    assert (row["ai_job_count"], row["ai_hiring_status"]) == (jobs, status)


def test_a_job_that_has_nothing_to_do_with_ai_is_no_ai_job() -> None:
    row = cohort_of(signals=[signal(title="account executive"), signal(title="repair technician")])
    assert (row["ai_job_count"], row["ai_hiring_status"], row["in_market_signals"]) == (0, "not_hiring", [])


@pytest.mark.parametrize(
    ("signals", "signs"),
    [
        ([signal(title="machine learning engineer")], ["hiring_ai_engineers"]),
        ([signal(title="backend engineer", topics=["rag"])], ["building_rag", "hiring_ai_engineers"]),
        ([signal("star", topics=["chroma-core/chroma"])], ["ai_native"]),
        ([signal("visit", topics=["/pricing"])], ["evaluating"]),
        ([signal("visit", topics=["/pricing"], at=days_ago(14))], []),
        ([signal("visit", topics=["/blog"], signal_id=str(nth)) for nth in range(3)], ["evaluating"]),
        ([signal("visit", topics=["/blog"], signal_id=str(nth)) for nth in range(2)], []),
        ([signal("listed")], []),
    ],
)
def test_the_signs_of_being_in_the_market(signals: list[Row], signs: list[str]) -> None:
    row = cohort_of(signals=signals)
    assert (row["in_market_signals"], row["customer_cohort"]) == (signs, "cohort_2_in_market")


@pytest.mark.parametrize(
    ("points", "strength"),
    [(0.0, None), (0.1, "weak"), (8.0, "moderate"), (15.9, "moderate"), (16.0, "strong"), (30.0, "very_strong")],
)
def test_how_strong_the_signals_are(points: float, strength: str | None) -> None:
    assert cohort_of(signals=[signal(points=points)])["signal_strength"] == strength


@pytest.mark.parametrize(
    ("topics", "use_case"),
    [(["langchain"], "rag"), (["crewaiinc/crewai"], "agent"), (["chroma-core/chroma"], "search"), (["pytorch"], None)],
)
def test_what_a_company_builds(topics: list[str], use_case: str | None) -> None:
    assert cohort_of(signals=[signal("star", topics=topics)])["use_case_detected"] == use_case
