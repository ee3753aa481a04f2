"""What stands in each file, as of an instant: rows by heading, under the headings that such files have."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any

from gtm_platform.sandbox.world import World, names
from gtm_platform.sandbox.world.addresses import plain
from gtm_platform.sandbox.world.agenda import DAY
from gtm_platform.sandbox.world.market import MarketCompany

Table = Sequence[Mapping[str, Any]]
SIZES = (10, 50, 200, 500, 1_000, 5_000, 10_000)
STAGES = ("submitted", "accepted", "in_progress", "won", "lost", "live")
ENGAGEMENTS = ("referred", "co_sell", "implemented", "resold", "influenced")
OURS = "revops@ours.example"


def accounts(world: World, at: datetime) -> Table:
    """Return the companies that are on the list of target accounts."""
    return [
        {
            "company_name": each.company.name,
            "website": f"https://www.{each.company.domain}",
            "linkedin_company_url": each.linkedin_url,
            "headquarters": each.company.city,
            "country": names.COUNTRIES[each.company.country][0],
            "industry": each.company.industry,
            "employee_count": _size_range(each.company.size),
            "list_name": "Target accounts",
            "owner_email": OURS,
            "notes": "",
        }
        for each in _listed(world, at)
    ]


def leads(world: World, at: datetime) -> Table:
    """Return somebody of each company on the list, as export tools write them."""
    return list(_leads(world, at))


def _leads(world: World, at: datetime) -> Iterator[Mapping[str, Any]]:
    for each in _listed(world, at):
        rng = Random(f"{world.seed}:lead:{each.company.number}")
        first, last = rng.choice(names.FIRST), rng.choice(names.LAST)
        slug = f"{plain(first)}-{plain(last)}-{each.company.number % 1000}"
        yield {
            "profileUrl": f"https://www.linkedin.com/sales/lead/ACwAA{each.company.number},NAME_SEARCH,x",
            "fullName": f"{first} {last}",
            "firstName": first,
            "lastName": last,
            "companyName": each.company.name,
            "title": rng.choice(names.JOBS),
            "regularCompanyUrl": each.linkedin_url,
            "location": each.company.city,
            "defaultProfileUrl": f"https://www.linkedin.com/in/{slug}",
            "query": 'https://www.linkedin.com/sales/search/people?query=(keywords:"vector, search")',
            "timestamp": f"{world.start:%Y-%m-%dT%H:%M:%S.000Z}",
        }


def partners(world: World, at: datetime) -> Table:
    """Return all partners."""
    return [
        {
            "partner_id": f"P-{each.company.number}",
            "partner_name": each.company.name,
            "partner_domain": each.company.domain,
            "partner_type": partner.partner_type,
            "tier": partner.tier,
            "status": partner.status,
            "specialisations": ";".join(partner.specializations),
            "certified_people": each.company.size % 20,
            "regions": names.COUNTRIES[each.company.country][1],
            "partner_manager_email": OURS,
            "joined_on": f"{partner.since:%Y-%m-%d}",
            "notes": "",
        }
        for each in _companies(world, at)
        if (partner := each.signals.partnership) and partner.since < at
    ]


def referrals(world: World, at: datetime) -> Table:
    """Return one company of the market for each partner, as a customer that it brought."""
    partnered = [each for each in _companies(world, at) if _is_partner(each, at)]
    brought = [each for each in _companies(world, at) if not each.is_stranger and not _is_partner(each, at)]
    rows = []
    for partner, customer in zip(partnered, brought, strict=False):
        rng = Random(f"{world.seed}:referral:{partner.company.number}")
        submitted = world.start - rng.randrange(5, 90) * DAY
        amount = rng.randrange(8, 90) * 1000
        rows.append(
            {
                "referral_id": f"R-{partner.company.number}",
                "partner_domain": partner.company.domain,
                "customer_name": customer.company.name,
                "customer_domain": customer.company.domain,
                "engagement_type": rng.choice(ENGAGEMENTS),
                "stage": rng.choice(STAGES),
                "submitted_on": f"{submitted:%Y-%m-%d}",
                "deal_amount": f"{amount}.00",
                "partner_revenue": f"{amount // 5}.00",
                "currency": customer.company.currency.upper(),
                "use_case": "support search",
            }
        )
    return rows


def manual_entries(world: World, at: datetime) -> Table:
    """Return a note on each partner that comes to our conference, and the tier of those that rose there."""
    rows = []
    for each in _companies(world, at):
        if (partner := each.signals.partnership) and partner.since < at:
            tier = partner.entered_tier
            rows.append(
                {
                    "entry_id": f"M-{each.company.number}",
                    "partner_domain": each.company.domain,
                    "field": "tier" if tier else "note",
                    "value": tier or "Speaks at our conference",
                    "effective_on": f"{world.start:%Y-%m-%d}",
                    "entered_by": OURS,
                    "reason": "upgraded at the partner council" if tier else "",
                }
            )
    return rows


def research(world: World, at: datetime) -> Table:
    """Return the companies of which somebody noted whose product they use."""
    return [
        {
            "Company": each.company.name,
            "Domain": each.company.domain,
            "Competitor": use.competitor,
            "Evidence": f"https://{each.company.domain}/blog/{use.competitor}",
            "Confidence": "high" if len(use.channels) > 1 else "70 %",
            "Pain points": "; ".join(use.pain_points),
            "Last seen": f"{use.seen:%Y-%m-%d}",
            "Researcher": OURS,
        }
        for each in _companies(world, at)
        for use in each.signals.competitors
        if use.seen < at and "manual_research" in use.channels
    ]


def activities(world: World, at: datetime) -> Table:
    """Return commands that developers copied from the documentation, which no other system shows."""
    return [
        {
            "account_domain": each.company.domain,
            "account_name": each.company.name,
            "developer_name": developer.name,
            "developer_email": developer.email or "",
            "github_username": developer.login,
            "activity_type": "copy_command",
            "repo": "",
            "activity_date": f"{first:%Y-%m-%d}",
            "activity_info": "pip install",
        }
        for each in _companies(world, at)
        for developer in each.signals.developers
        if (first := _first_act(each)) and first < at
    ]


def _first_act(each: MarketCompany) -> datetime | None:
    return min((act.at for act in each.signals.acts), default=None)


def _companies(world: World, at: datetime) -> list[MarketCompany]:
    return list(world.market.companies(at))


def _listed(world: World, at: datetime) -> list[MarketCompany]:
    return [each for each in _companies(world, at) if each.signals.listed and each.signals.listed < at]


def _is_partner(each: MarketCompany, at: datetime) -> bool:
    return bool(each.signals.partnership and each.signals.partnership.since < at)


def _size_range(size: int) -> str:
    least = 1
    for most in SIZES:
        if size <= most:
            return f"{least}-{most}"
        least = most + 1
    return f"{least}+"
