"""The tables and columns that mappings name, beside those that the landers' own packages and connectors declare.

The lists of these are no part of the repository; without them the tests are skipped. They are not whole: properties and
custom attributes differ from account to account, and Fivetran's packages declare only what they use themselves.
"""

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from gtm_platform.sources.hubspot.landed_airbyte import AIRBYTE_HUBSPOT
from gtm_platform.sources.hubspot.landed_fivetran import FIVETRAN_HUBSPOT
from gtm_platform.sources.intercom.landed_airbyte import AIRBYTE_INTERCOM
from gtm_platform.sources.intercom.landed_fivetran import FIVETRAN_INTERCOM
from gtm_platform.sources.landed.scope import Scope, expression
from gtm_platform.sources.landed.system import LandedSystem
from gtm_platform.sources.stripe.landed_airbyte import AIRBYTE_STRIPE
from gtm_platform.sources.stripe.landed_fivetran import FIVETRAN_STRIPE

LISTS = Path(__file__).parents[4] / "shared/specs/landed_by_etl"
PER_ACCOUNT = ("property_", "properties", "custom_")
# One description for two tables, in Fivetran's package for Stripe.
DESCRIBED_AS = {"price": "price_plan", "plan": "price_plan", "subscription_history": "subscription"}
# What is read beside the lists, in the landers' own way of naming: null where an account has none of it.
BESIDE: dict[str, set[str]] = {
    "fivetran/hubspot": {"contact_company", "deal_company.label", "deal_contact.label"},
    "fivetran/stripe": {
        *("charge.amount_captured", "charge.disputed", "coupon.applies_to_products", "invoice.amount_paid_off_stripe"),
        *("invoice.customer_email", "price.lookup_key", "price.tiers_mode", "product.metadata", "tier"),
        *("price.transform_quantity_divide_by", "price.transform_quantity_round", "subscription_history.currency"),
        *(f"subscription_history.cancellation_details_{name}" for name in ("comment", "feedback", "reason")),
        "subscription_history.test_clock_id",
    },
    "fivetran/intercom": {
        *(f"company_history.{name}" for name in ("company_id", "last_request_at", "size")),
        *(f"contact_history.{name}" for name in ("external_id", "has_hard_bounced", "last_seen_at", "phone")),
        *(f"contact_history.location_{name}" for name in ("city", "country")),
        *(f"conversation_history.{name}_assignee_id" for name in ("admin", "team")),
        *(f"conversation_history.conversation_rating_{name}_at" for name in ("created", "updated")),
        *("conversation_history.priority", "conversation_history.source_author_email"),
        *(f"conversation_history.statistics_count_{name}" for name in ("conversation_parts", "reopens")),
        *(f"conversation_history.statistics_{name}_at" for name in ("first_admin_reply", "last_close")),
        *("admin.email", "conversation_part_history.author_email", "ticket_history"),
    },
    "airbyte/hubspot": set(),
    "airbyte/stripe": {"coupons", "disputes", "invoices.amount_paid_off_stripe", "prices.tiers"},
    "airbyte/intercom": {"companies.last_request_at"},
}


class Documented:
    """The declared columns of a system, as if they had been landed."""

    def __init__(self, system: LandedSystem) -> None:
        self.tables: dict[str, dict[str, str]] = defaultdict(dict)
        with open(LISTS / f"{system.lander.name}_columns.csv") as lines:
            for row in csv.DictReader(lines):
                if row["connector"] == system.name:
                    table = row.get("table") or row["stream"]
                    self.tables[table][row["column"].lower()] = "VARCHAR"

    def first_landed(self, names: tuple[str, ...]) -> str | None:
        return next((name for name in names if DESCRIBED_AS.get(name, name) in self.tables), None)

    def columns(self, table: str) -> dict[str, str]:
        return self.tables.get(DESCRIBED_AS.get(table, table), {})

    def address(self, table: str) -> str:
        return table


def unlisted(system: LandedSystem) -> set[str]:
    """The columns that a mapping reads and that are in no list, but for those that differ by account."""
    documented, missing = Documented(system), set[str]()
    for parts in system.streams.values():
        for part in parts:
            table = documented.first_landed(part.tables)
            if table is None:
                missing.add(part.tables[0])
                continue
            scope = Scope(documented, system.lander.conventions, table, missing=missing)
            expression({**(part.record or {}), **part.facts}, scope)
    return {name for name in missing if not name.partition(".")[2].startswith(PER_ACCOUNT)}


@pytest.mark.skipif(not LISTS.is_dir(), reason="The lists of columns are not here.")
@pytest.mark.parametrize(
    "system",
    [FIVETRAN_HUBSPOT, FIVETRAN_STRIPE, FIVETRAN_INTERCOM, AIRBYTE_HUBSPOT, AIRBYTE_STRIPE, AIRBYTE_INTERCOM],
    ids=lambda system: f"{system.lander.name}/{system.name}",
)
def test_every_column_is_documented_or_is_listed_as_read_beside(system: LandedSystem) -> None:
    assert unlisted(system) == BESIDE[f"{system.lander.name}/{system.name}"]
