"""The wide table: every column that is promised, one row per customer, and nothing out of nothing."""

import re
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.lake.contracts import contract_of
from gtm_platform.unified import customers as unified_customers
from gtm_platform_tests.tables import DAY, by, computed, filled

MISSION = Path(__file__).parents[3] / "shared" / "mission.md"


@pytest.mark.skipif(not MISSION.exists(), reason="the specification is not beside the repository")
def test_every_promised_column_in_its_order() -> None:
    section = MISSION.read_text().split("## 3. `core.unified_customers`")[1].split("## 4.")[0]
    listed = [line.split("|")[2] for line in section.splitlines() if line.startswith("| ") and "---" not in line][1:]
    text = re.sub(r"\([^)]*\)|last_<source>_sync for each source|and one id per source:", "", ", ".join(listed))
    promised = [name.strip() for name in text.split(",") if name.strip()]
    assert len(promised) > 60
    shown = [name for name in unified_customers.CONTRACT.columns if name in promised]
    ids = set(unified_customers.IDS)  # in the order of their sources' precedence
    assert set(shown) == set(promised)
    assert [name for name in shown if name not in ids] == [name for name in promised if name not in ids]
    assert {"as_of", "mrr_reporting", "last_stripe_sync", "last_orb_sync"} < set(unified_customers.CONTRACT.columns)


def test_it_joins_and_adds_nothing() -> None:
    tables = {domain: f"core/{domain}" for domain in unified_customers.DOMAINS}
    tables |= {"health": "health/customer_health", "quality": "quality/customer_quality"}
    rows: dict[str, dict[str, Any]] = {
        "profile": {"name": "Dana", "is_customer": True, "customer_status": "active"},
        "revenue": {"mrr_source": "stripe"},
        "health": {"health_score": 77, "risk_signals": ["low_csat"]},
        "quality": {"data_quality_score": 50},
    }
    inputs = {name: filled(table, {"customer_id": "a", **rows.get(name, {})}) for name, table in tables.items()}
    inputs["people"] = filled("identity/people", {"customer_id": "a", "email": "d@acme.example"}, {"customer_id": "b"})
    prospect = {"customer_id": "b", "is_customer": False, "customer_status": "prospect"}
    inputs["profile"] = filled("core/profile", {"customer_id": "a", **rows["profile"]}, prospect)
    wide = by("customer_id", computed(unified_customers.table, "core/unified_customers", **inputs, day=DAY))
    assert set(wide) == {"a", "b"}
    a = wide["a"]
    assert (a["name"], a["mrr_source"], a["health_score"], a["data_quality_score"]) == ("Dana", "stripe", 77, 50)
    assert (a["as_of"], a["email"], a["risk_signals"]) == (DAY, "d@acme.example", ["low_csat"])
    b = {name: value for name, value in wide["b"].items() if value not in (None, [])}
    assert b == {"customer_id": "b", "as_of": DAY, "is_customer": False, "customer_status": "prospect"}


def test_its_columns_mean_what_they_mean_where_they_come_from() -> None:
    wide = unified_customers.CONTRACT.schema
    for table in [f"core/{domain}" for domain in unified_customers.DOMAINS] + ["health/customer_health"]:
        shared = set(contract_of(table).columns) & set(wide)
        assert {name: wide[name] for name in shared} == {name: contract_of(table).schema[name] for name in shared}
