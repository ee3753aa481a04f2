"""The companies of the market, and what they show, held against the sandbox's truth."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gtm_platform.demo.findings import Finding, days_since_full_refresh
from gtm_platform.demo.sandbox_process import Box
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.market.signals import DEVELOPER_ACTS

JOBS = "sumble/jobs"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """What the platform knows of the market on a day, by the companies' domains."""

    domains: frozenset[str]
    signals: Mapping[str, Counter[str]]  # those that still count, by their kind
    competitors: Mapping[str, set[str]]
    partners: Mapping[str, str | None]  # with their tier
    introducers: Mapping[str, list[str]]


def market(box: Box, days: Sequence[date]) -> Finding:
    """Check that each company is there with what it shows.

    Files say so as of when they were dropped, and a job is open until a full refresh misses it.
    """
    then, now = (_truth(box, day) for day in (days[0], days[-1]))
    for domain, jobs in _jobs_since_full_refresh(box, days[-1]).items():
        now[domain] = {**now.get(domain, {}), "jobs": sorted(jobs)}
    ours = _shown(days[-1].isoformat())
    wrong = [f"{domain} is no company" for domain in sorted(now.keys() - ours.domains)]
    shown = ours.signals.keys() | ours.competitors.keys() | ours.partners.keys() | ours.introducers.keys()
    for domain in sorted(now.keys() | shown):
        wrong += _differences(domain, ours, then.get(domain, {}), now.get(domain, {}))
    return Finding(f"{len(now):,} companies with all that they show of the market", wrong)


def _truth(box: Box, day: date) -> dict[str, Row]:
    return {row["domain"]: row for row in box.ask("truth", day=day.isoformat())["market"]}


def _jobs_since_full_refresh(box: Box, last: date) -> dict[str, set[int]]:
    jobs: dict[str, set[int]] = {}
    for day in days_since_full_refresh(JOBS, last):
        for domain, row in _truth(box, day).items():
            if "jobs" in row:
                jobs.setdefault(domain, set()).update(row["jobs"])
    return jobs


def _shown(day: str) -> Shown:
    companies = {row["company_id"]: row["domain"] for row in _rows("identity/companies", day)}
    signals: dict[str, Counter[str]] = {}
    for row in _rows("market/signals", day):
        if row["is_active"]:
            signals.setdefault(companies[row["company_id"]], Counter())[row["kind"]] += 1
    competitors: dict[str, set[str]] = {}
    for row in _rows("competitor_intel/usage", day):
        competitors.setdefault(companies[row["company_id"]], set()).add(row["vector_db"])
    partners = {companies[row["company_id"]]: row["tier"] for row in _rows("market/partners", day)}
    introducers = {
        row["domain"]: row["introducers"] for row in _rows("core/unified_companies", day) if row["introducers"]
    }
    return Shown(frozenset(companies.values()), signals, competitors, partners, introducers)


def _rows(table: str, day: str) -> list[Row]:
    rows: list[Row] = the_lake().partition(table, day).to_pyarrow().to_pylist()
    return rows


def _differences(domain: str, ours: Shown, then: Row, now: Row) -> Iterator[str]:
    signals = ours.signals.get(domain, Counter())
    jobs, acts = signals["job"], sum(signals[kind] for kind in DEVELOPER_ACTS)
    if jobs != len(now.get("jobs", ())):
        yield f"{domain} has {jobs} open AI jobs, in truth {len(now.get('jobs', ()))}"
    if acts > len(now.get("acts", ())):  # of some developers nobody can tell where they work
        yield f"{domain} has {acts} acts of developers, in truth {len(now.get('acts', ()))}"
    used = sorted(ours.competitors.get(domain, ()))
    if used != now.get("competitors", []):
        yield f"{domain} uses {used}, in truth {now.get('competitors', [])}"
    introducers = ours.introducers.get(domain, [])
    if introducers != now.get("introducers", []):
        yield f"{domain} could be introduced by {introducers}, in truth by {now.get('introducers', [])}"
    tier = ours.partners.get(domain)
    if tier and tier not in (then.get("partner_tier"), now.get("partner_tier")):
        yield f"{domain} is a partner of tier {tier}, in truth {now.get('partner_tier')}"
    for what, key, is_so in (
        ("on a list", "listed", bool(signals["listed"])),
        ("a partner", "partner_status", domain in ours.partners),
    ):
        if (is_so and key not in now) or (not is_so and key in then):
            yield f"{domain} is {what}: {is_so}, in truth {not is_so}"
