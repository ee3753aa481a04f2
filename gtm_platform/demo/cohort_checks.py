"""The cohorts of companies and their changes, held against the sandbox's truth."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from gtm_platform.cohorts.company_cohorts import COMPETITOR, CUSTOMER, IN_MARKET, PARTNER
from gtm_platform.cohorts.transitions import DORMANT
from gtm_platform.demo.findings import Finding
from gtm_platform.demo.hubspot_objects import hubspot_properties
from gtm_platform.demo.sandbox_process import Box
from gtm_platform.lake.dagster.resource import the_lake

Row = Mapping[str, Any]
Change = tuple[str, str]  # from, to

COHORTS = {"customer": CUSTOMER, "partner": PARTNER, "in_market": IN_MARKET, "competitor": COMPETITOR}
SHORT = {cohort: name for name, cohort in COHORTS.items()}
NONE, ACTIVE, IN_THE_MARKET = "none", "active", "in_market"


def changes(days: Sequence[date]) -> Counter[Change]:
    """Count the changes of cohorts on some days, and those of customers into and out of being dormant."""
    return Counter(change for day in days for change in _recorded(day).values())


def cohorts(box: Box, days: Sequence[date]) -> Finding:
    """Check each change of each day after the first, as far as nothing may be seen later."""
    wrong: list[str] = []
    count = 0
    truths = {day: _truth(box, day) for day in days}
    for before, day in pairwise(days):
        ours = _recorded(day)
        count += len(ours)
        wrong += _differences(day, ours, truths[before], truths[day], _apart(day))
    return Finding(f"{count:,} changes of companies' cohorts, each where the systems show it in time", wrong)


def cohorts_in_hubspot(box: Box, day: date) -> Finding:
    """Check that HubSpot, asked directly, holds of each company the cohort that it truly is in."""
    truth = _truth(box, day)
    companies = the_lake().partition("core/unified_companies", day.isoformat())
    delivered = companies.filter(companies["hubspot_company_id"].notnull(), companies["domain"].notnull())
    rows = delivered.select("hubspot_company_id", "domain").to_pyarrow().to_pylist()
    domains = {row["hubspot_company_id"]: row["domain"] for row in rows}
    apart = _apart(day)
    wrong = [
        f"company {id} ({domains[id]}): HubSpot holds {properties.get('customer_cohort')}"
        for id, properties in hubspot_properties("companies", list(domains), ["customer_cohort"]).items()
        if (properties.get("customer_cohort") or None) != _cohort_of(truth.get(domains[id]))
        and not (domains[id] in apart or _may_be_late(truth.get(domains[id])))
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


def _cohort_of(row: Row | None) -> str | None:
    return COHORTS[row["cohort"]] if row else None


def _truth(box: Box, day: date) -> dict[str, Row]:
    return {row["domain"]: row for row in box.ask("truth", day=day.isoformat())["cohorts"]}


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
        expected, recorded = _true_change(before.get(domain), now.get(domain)), ours.get(domain)
        if recorded != expected and not _is_late(recorded, before.get(domain), now.get(domain)):
            yield f"{day} {domain}: {_worded(recorded)}, in truth {_worded(expected)}"


def _is_late(recorded: Change | None, before: Row | None, now: Row | None) -> bool:
    """Whether the platform learns later than the world how a company stands, and ends where it truly is.

    That a job was closed shows with a full refresh only: who has left the market is in it until then.
    """
    uncertain = _may_be_late(before) or _may_be_late(now)
    if recorded is None:
        return uncertain or bool(before and before["cohort"] == IN_THE_MARKET and "visits" not in before["signs"])
    leaves = recorded[0] == IN_THE_MARKET
    return (uncertain or leaves) and recorded[1] == (now["cohort"] if now else NONE)


def _may_be_late(row: Row | None) -> bool:
    """Whether a company's cohort shows only in files, a partner's portal, what a developer does or an import of code.

    Files are dropped once a week, not every partner is in a portal, of some developers nobody can tell where they
    work, not every import is sure evidence, and a company of whose users nobody has its address may be known by name
    only.
    """
    if row is None:
        return False
    if row["cohort"] == "customer":
        return not row["by_address"]
    signals = set(row["signs"]) - {"competitors", "partner_status"}
    return row["cohort"] in ("partner", "competitor") or (
        row["cohort"] == IN_THE_MARKET and signals <= {"acts", "listed"}
    )


def _true_change(before: Row | None, now: Row | None) -> Change | None:
    was, is_ = (row["cohort"] if row else NONE for row in (before, now))
    if was != is_:
        return was, is_
    if not (before and now) or before["dormant"] == now["dormant"]:
        return None
    return (ACTIVE, DORMANT) if now["dormant"] else (DORMANT, ACTIVE)


def _worded(change: Change | None) -> str:
    return " to ".join(change) if change else "no change"
