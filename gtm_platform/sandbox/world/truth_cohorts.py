"""The truth about how companies stand: the cohort of each, and whether its customers use the product.

The rules are stated in `truth`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

CUSTOMER, PARTNER, IN_MARKET, COMPETITOR = "customer", "partner", "in_market", "competitor"
DORMANT = timedelta(days=30)
SILENT, ACTIVE = timedelta(days=30), timedelta(days=7)  # of a main contact, and of its colleagues
SIGNALS = ("jobs", "acts", "visits", "listed")

Row = Mapping[str, Any]


def cohorts(people: Iterable[Row], market: Iterable[Row], before: datetime) -> list[dict[str, Any]]:
    """Return each company that is in a cohort just before an instant."""
    staff: dict[str, list[Row]] = {}
    for person in people:
        if person["company_domain"]:
            staff.setdefault(person["company_domain"], []).append(person)
    shown = {row["domain"]: row for row in market}
    rows = (_standing(domain, staff.get(domain, ()), shown.get(domain, {}), before) for domain in staff.keys() | shown)
    return sorted((row for row in rows if row["cohort"]), key=lambda row: row["domain"])


def _standing(domain: str, staff: Iterable[Row], shown: Row, before: datetime) -> dict[str, Any]:
    users = [person for person in staff if person["signed_up"]]
    sights = [datetime.fromisoformat(person["last_seen_at"]) for person in staff if person["last_seen_at"]]
    idle = before.date() - max(sights, default=datetime.min).date() - timedelta(days=1)  # the day that ends now counts
    cohort = next((cohort for cohort, applies in _applying(bool(users), shown) if applies), None)
    return {
        "domain": domain,
        "cohort": cohort,
        "by_address": any(email.endswith(f"@{domain}") for person in users for email in person["emails"]),
        "dormant": bool(users) and idle > DORMANT,
        "champion_left": _champion_left(list(staff), before),
        "signs": sorted(shown.keys() & {"partner_status", "competitors", *SIGNALS}),
    }


def _champion_left(staff: Sequence[Row], before: datetime) -> bool:
    """Whether the main contact of a company has left it."""
    customers = [person for person in staff if person["is_customer"] and person["customer_since"]]
    customers = [person for person in customers if not person["shared_inbox"]]
    if not customers:
        return False
    lead = min(customers, key=lambda person: datetime.fromisoformat(person["customer_since"]))
    away = _unseen(lead, before)
    colleagues = [_unseen(person, before) for person in staff if person is not lead]
    return bool(
        lead["seat_deactivated"]
        or (lead["mail_bounces"] and away >= ACTIVE)
        or (away >= SILENT and any(days < ACTIVE for days in colleagues))
    )


def _unseen(person: Row, before: datetime) -> timedelta:
    """How many days ago somebody was last seen, counted from the day that ends now."""
    seen = datetime.fromisoformat(person["last_seen_at"]).date() if person["last_seen_at"] else date.min
    return before.date() - timedelta(days=1) - seen


def _applying(is_signed_up: bool, shown: Row) -> Iterable[tuple[str, bool]]:
    """Yield the cohorts from the highest in priority, and whether each applies."""
    yield CUSTOMER, is_signed_up
    yield PARTNER, shown.get("partner_status") not in (None, "inactive")
    yield IN_MARKET, any(shown.get(kind) for kind in SIGNALS)
    yield COMPETITOR, bool(shown.get("competitors"))
