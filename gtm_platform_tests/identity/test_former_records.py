"""Payers whom their billing system has deleted: whose they were, by what other records still say."""

from typing import Any

import ibis

from gtm_platform.identity import former_records, links
from gtm_platform.identity.former_records import with_former
from gtm_platform.policy import policy
from gtm_platform_tests.tables import DAY, by, computed, filled, person_tables, rows_of


def former(**rows: list[dict[str, Any]]) -> tuple[ibis.Table, ibis.Table]:
    """The links of these records, and the records that are gone."""
    records = person_tables(**{source: rows.get(source, []) for source in ("hubspot", "intercom", "stripe")})
    previous = filled("identity/links")
    linked = computed(links.table, "identity/links", records=records, previous=previous, policy=policy(), day=DAY)
    mentions = {
        "stripe/invoices": filled("stripe/invoices", *rows.get("invoices", [])),
        "stripe/subscriptions": filled("stripe/subscriptions", *rows.get("subscriptions", [])),
    }
    gone = computed(
        former_records.table,
        "identity/former_records",
        links=linked,
        records=records,
        mentions=mentions,
        policy=policy(),
    )
    return linked, gone


def invoice(number: int, payer: str, email: str | None = None) -> dict[str, Any]:
    return {"id": f"in_{number}", "customer_id": payer, "customer_email": email}


def test_by_the_id_that_another_system_carries_and_by_the_address_on_the_bills() -> None:
    linked, gone = former(
        hubspot=[{"id": "h1", "email": "dana@acme.example", "additional_emails": ["Pay+dana@acme.example"]}],
        intercom=[{"id": "i1", "email": "eve@acme.example", "stripe_id": "by_id"}],
        stripe=[{"id": "live", "email": "dana@acme.example"}],
        invoices=[
            invoice(1, "live", "dana@acme.example"),
            invoice(2, "by_mail", "DANA@acme.example"),
            invoice(3, "by_other_mail", "pay@acme.example"),
            invoice(4, "by_id", "dana@acme.example"),  # the id is surer
            invoice(5, "inbox", "billing@acme.example"),
            invoice(6, "stranger", "x@acme.example"),
        ],
        subscriptions=[{"id": "sub_1", "customer_id": "by_id"}, {"id": "sub_2", "customer_id": "unbilled"}],
    )
    customer = {record: row["customer_id"] for record, row in by("record_id", linked).items()}
    assert {row["record_id"]: (row["customer_id"], row["match_method"]) for row in rows_of(gone)} == {
        "by_mail": (customer["h1"], "email"),
        "by_other_mail": (customer["h1"], "email"),
        "by_id": (customer["i1"], "shared_id"),
    }
    payers = {(row["customer_id"], row["record_id"]) for row in rows_of(with_former(linked, gone, "stripe"))}
    assert payers == {
        (customer["h1"], "live"),
        (customer["h1"], "by_mail"),
        (customer["h1"], "by_other_mail"),
        (customer["i1"], "by_id"),
    }


def test_who_shares_an_inbox_with_a_former_payer_is_not_tied_to_it() -> None:
    _, gone = former(
        hubspot=[{"id": "h1", "email": "billing@acme.example"}], invoices=[invoice(1, "s1", "billing@acme.example")]
    )
    assert rows_of(gone) == []
