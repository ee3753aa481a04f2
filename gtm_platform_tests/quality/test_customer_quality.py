"""How complete, fresh, certain and valid a customer's data are."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import ibis
import pytest

from gtm_platform.policy import policy
from gtm_platform.quality import customer_quality
from gtm_platform_tests.tables import DAY, by, computed, days_ago, filled, rows_as_table

SYNCED = ibis.schema({"table": "string", "source": "string", "synced_at": "timestamp('UTC', 6)"})
END = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(days=1)
PERSON = {
    "customer_id": "a",
    "records": 2,
    "match_confidence": 0.9,
    "hubspot_contact_id": "h1",
    "stripe_customer_id": "s1",
}


def quality(synced: dict[str, datetime], **rows: list[dict[str, Any]]) -> dict[str, Any]:
    table = computed(
        customer_quality.table,
        "quality/customer_quality",
        domains={
            "people": filled("identity/people", PERSON),
            **{
                name: filled(f"core/{name}", *rows.get(name, []))
                for name in ("profile", "revenue", "activity", "pipeline")
            },
        },
        invalid=filled("identity/invalid_records", *rows.get("invalid", [])),
        synced=rows_as_table(
            SYNCED, [{"table": table, "source": table.split("/")[0], "synced_at": at} for table, at in synced.items()]
        ),
        cadences=customer_quality.cadences(),
        policy=policy(),
        day=DAY,
    )
    return by("customer_id", table)["a"]


def test_completeness_is_the_share_of_the_fields_that_are_filled() -> None:
    assert quality({})["completeness_score"] == 0
    row = quality(
        {},
        profile=[{"customer_id": "a", "name": "Dana", "is_customer": True}],
        revenue=[{"customer_id": "a", "mrr": Decimal(0)}],
        pipeline=[{"customer_id": "a", "lead_source": "X"}],
    )
    assert row["completeness_score"] == pytest.approx(3 / customer_quality.FIELD_COUNT * 100)


def test_what_only_some_sources_measure_counts_once_one_of_them_is_read() -> None:
    seen = {"customer_id": "a", "last_seen_at": days_ago(1)}
    count = customer_quality.FIELD_COUNT
    off = quality({"stripe/charges": END}, activity=[seen])
    assert off["completeness_score"] == pytest.approx(1 / count * 100)
    on = {"listkit_admin/accounts": END, "listkit_admin/exports": END}  # it counts logins
    assert quality(on, activity=[seen])["completeness_score"] == pytest.approx(1 / (count + 1) * 100)
    row = quality(on, activity=[{**seen, "logins_30d": 0}])
    assert row["completeness_score"] == pytest.approx(2 / (count + 1) * 100)


def test_each_source_that_knows_the_customer_counts_for_freshness() -> None:
    late = END - timedelta(hours=36)  # the cadence of HubSpot and the hours of grace
    row = quality({"hubspot/contacts": late, "hubspot/deals": days_ago(9), "stripe/charges": END, "intercom/tags": END})
    assert (row["freshness"], row["last_hubspot_sync"], row["last_stripe_sync"]) == (1.0, late, END)
    assert row["last_intercom_sync"] is None  # Intercom does not know the customer
    later = quality({"hubspot/contacts": late - timedelta(seconds=1), "stripe/charges": END})
    assert later["freshness"] == 0.5
    assert quality({})["freshness"] == 0


def test_a_record_whose_newest_version_was_rejected_is_not_valid() -> None:
    def invalid(*ids: str) -> list[dict[str, Any]]:
        return [{"source": "hubspot", "record_id": id, "customer_id": "a"} for id in ids]

    assert quality({})["validity"] == 1
    assert quality({}, invalid=invalid("h1"))["validity"] == 0.5
    assert quality({}, invalid=invalid("h1", "h2"))["validity"] == 0


def test_the_score_weighs_the_four() -> None:
    everything = {
        name: [{"customer_id": "a", "is_customer": True} if name == "profile" else {"customer_id": "a"}]
        for name in ("profile", "revenue", "activity", "pipeline")
    }
    assert quality({}, **everything)["data_quality_score"] == round(0.2 * 90 + 15)
    fresh = quality({"hubspot/contacts": END, "stripe/customers": END})
    assert fresh["data_quality_score"] == round(25 + 0.2 * 90 + 15)
