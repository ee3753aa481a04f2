"""The cohorts of companies and their changes, held against the sandbox's truth, as far as its systems show it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from gtm_platform.cohorts.company_cohorts import COMPETITOR, CUSTOMER, IN_MARKET, PARTNER
from gtm_platform.cohorts.transitions import DORMANT
from gtm_platform.demo.findings import Finding
from gtm_platform.demo.hubspot_objects import hubspot_properties
from gtm_platform.demo.market_checks import truth_of_market
from gtm_platform.demo.sandbox_process import Box
from gtm_platform.lake.dagster.resource import the_lake

Row = Mapping[str, Any]
Change = tuple[str, str]  # from, to

COHORTS = {"customer": CUSTOMER, "partner": PARTNER, "in_market": IN_MARKET, "competitor": COMPETITOR}
SHORT = {cohort: name for name, cohort in COHORTS.items()}
NONE, ACTIVE = "none", "active"


def changes(days: Sequence[date]) -> Counter[Change]:
    """Count the changes of cohorts on some days, and those of customers into and out of being dormant."""
    return Counter(change for day in days for change in _recorded(day).values())


def cohorts(box: Box, days: Sequence[date]) -> Finding:
    """Check each change of each day after the first."""
    wrong: list[str] = []
    count = 0
    truths = {day: _truth(box, day) for day in days}
    for before, day in pairwise(days):
        ours = _recorded(day)
        count += len(ours)
        wrong += _differences(day, ours, truths[before], truths[day], _apart(day))
    return Finding(f"{count:,} changes of companies' cohorts, each on the day on which the systems show it", wrong)


def cohorts_in_hubspot(box: Box, day: date) -> Finding:
    """Check that HubSpot, asked directly, holds of each company the cohort that the systems show."""
    truth = _truth(box, day)
    companies = the_lake().partition("core/unified_companies", day.isoformat())
    delivered = companies.filter(companies["hubspot_company_id"].notnull(), companies["domain"].notnull())
    rows = delivered.select("hubspot_company_id", "domain").to_pyarrow().to_pylist()
    domains = {row["hubspot_company_id"]: row["domain"] for row in rows}
    apart = _apart(day)
    wrong = [
        f"company {id} ({domains[id]}): HubSpot holds {properties.get('customer_cohort')}"
        for id, properties in hubspot_properties("companies", list(domains), ["customer_cohort"]).items()
        if (properties.get("customer_cohort") or None) not in map(COHORTS.get, _standings(truth.get(domains[id])))
        and domains[id] not in apart
    ]
    return Finding(f"{len(domains):,} HubSpot companies hold today's cohort", wrong)


def main_contacts(box: Box, days: Sequence[date]) -> Finding:
    """Check on each day whose main contact has left, where the addresses of all who work there say so."""
    wrong, companies, gone = [], 0, 0
    for day in days:
        true, ours = _true_main_contacts(box, day), _champions_left(day)
        for domain in sorted((true.keys() & ours.keys()) - _apart(day)):
            companies += 1
            gone += true[domain]
            if ours[domain] != true[domain]:
                wrong.append(f"{day} {domain}: the main contact has left is {ours[domain]}, in truth {true[domain]}")
    return Finding(f"{companies:,} times who is a company's main contact, {gone:,} times one who has left", wrong)


def _true_main_contacts(box: Box, day: date) -> dict[str, bool]:
    """Whether each company's main contact has left; without companies of whose people somebody has no address there."""
    truth = box.ask("truth", day=day.isoformat())
    unsure = {
        person["company_domain"]
        for person in truth["people"]
        if not any(email.endswith(f"@{person['company_domain']}") for email in person["emails"])
    }
    return {row["domain"]: row["champion_left"] for row in truth["cohorts"] if row["domain"] not in unsure}


def _champions_left(day: date) -> dict[str, bool]:
    companies = the_lake().partition("core/unified_companies", day.isoformat())
    rows = companies.filter(companies["domain"].notnull()).select("domain", "champion_left").to_pyarrow().to_pylist()
    return {row["domain"]: row["champion_left"] for row in rows}


def _truth(box: Box, day: date) -> dict[str, Row]:
    """The companies by their domains: those that are in a cohort, or may be seen to be in one."""
    truth = truth_of_market(box, day)
    rows = {row["domain"]: row for row in truth["cohorts"]}
    shown = truth["shown"]["cohorts"]
    bare: Row = {"cohort": None, "by_address": True, "dormant": False}
    return {domain: {**bare, **rows.get(domain, {}), "shown": shown.get(domain)} for domain in rows.keys() | shown}


def _standings(row: Row | None) -> set[str]:
    """The cohorts that a company can be seen in: one, unless only an uncertain sign speaks for it.

    A customer of whose users nobody has its address may be known by name only, and then be in any.
    """
    if row is None:
        return {NONE}
    return {cohort or NONE for cohort in row["shown"] or (None,)} if row["by_address"] else {*COHORTS, NONE}


def _recorded(day: date) -> dict[str, Change]:
    """The changes of a day by the companies' domains; the truth knows companies by nothing else."""
    lake, partition = the_lake(), day.isoformat()
    if not lake.has("cohorts/transitions", partition):
        return {}
    rows = lake.partition("cohorts/transitions", partition).to_pyarrow().to_pylist()
    companies = lake.partition("identity/companies", partition).select("company_id", "domain").to_pyarrow().to_pylist()
    domains = {row["company_id"]: row["domain"] for row in companies}
    return {domain: _change(row) for row in rows if (domain := domains[row["company_id"]])}


def _apart(day: date) -> set[str]:
    """The domains whose people are partly at a record without a domain, which is a company of its own."""
    lake, partition = the_lake(), day.isoformat()
    companies, people = lake.partition("identity/companies", partition), lake.partition("identity/people", partition)
    alone = companies.filter(companies["domain"].isnull()).select("company_id")
    emails = people.join(alone, "company_id").select("email").to_pyarrow()["email"].to_pylist()
    return {email.rpartition("@")[2] for email in emails if email}


def _change(row: Row) -> Change:
    if row["from_cohort"] == row["to_cohort"]:
        return (ACTIVE, DORMANT) if row["to_status"] == DORMANT else (DORMANT, ACTIVE)
    before, now = (SHORT.get(row[name], NONE) for name in ("from_cohort", "to_cohort"))
    return before, now


def _differences(
    day: date, ours: Mapping[str, Change], before: Mapping[str, Row], now: Mapping[str, Row], apart: set[str]
) -> Iterator[str]:
    for domain in sorted((ours.keys() | before.keys() | now.keys()) - apart):
        expected, recorded = _true_changes(before.get(domain), now.get(domain)), ours.get(domain)
        if recorded not in expected:
            shown = " or ".join(sorted(map(_worded, expected)))
            yield f"{day} {domain}: {_worded(recorded)}, in truth {shown}"


def _true_changes(before: Row | None, now: Row | None) -> set[Change | None]:
    """The changes that can be seen from one day to the next: one, as long as all signs are certain."""
    return {_turn(before, now) if was == is_ else (was, is_) for was in _standings(before) for is_ in _standings(now)}


def _turn(before: Row | None, now: Row | None) -> Change | None:
    """A customer that fell dormant, or came back."""
    if not (before and now) or before["dormant"] == now["dormant"]:
        return None
    return (ACTIVE, DORMANT) if now["dormant"] else (DORMANT, ACTIVE)


def _worded(change: Change | None) -> str:
    return " to ".join(change) if change else "no change"
