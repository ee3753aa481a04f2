"""What partner files say of companies: who is a partner, whom partners brought, what people entered."""

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import PartnerEntryFeed, PartnerFeed, ReferralFeed


def _status(table: ibis.Table) -> ibis.Value:
    """A partner that a later file of all partners leaves out is one no more."""
    newest_full = table.received_at.max(where=table.in_full_file)
    is_left_out = table.received_at < newest_full
    return ibis.cases((is_left_out.fill_null(False), "inactive"), else_=table.status)


def _partners(table: ibis.Table) -> ibis.Table:
    return table.mutate(current_status=_status(table))


FEEDS = (
    PartnerFeed(
        source="partners_csv",
        table="partners_csv/partners",
        precedence=20,
        company_domain="partner_domain",
        company_name="partner_name",
        partner_type="partner_type",
        status="current_status",
        tier="tier",
        specializations="specialisations",
        since="joined_on",
        rows=_partners,
    ),
    ReferralFeed(
        source="partners_csv",
        table="partners_csv/referrals",
        referral_id="referral_key",
        partner_domain="partner_domain",
        customer_domain="customer_domain",
        customer_name="customer_name",
        engagement="engagement_type",
        stage="stage",
        at="submitted_on",
        amount="deal_amount",
        currency="currency",
    ),
    PartnerEntryFeed(
        source="partners_csv",
        table="partners_csv/manual_entries",
        entry_id="entry_id",
        field="field",
        value="value",
        effective_at="effective_on",
        company_domain="partner_domain",
        rows=lambda entries: entries.filter(entries["field"] != "note"),
    ),
    CompanyFeed("partners_csv", "partners_csv/partners", precedence=190, domain="partner_domain", name="partner_name"),
    CompanyFeed("partners_csv", "partners_csv/manual_entries", precedence=191, domain="partner_domain"),
)
