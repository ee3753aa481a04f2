"""The companies of the market, and what they show, held against what the sandbox says that its systems show."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from gtm_platform.demo.findings import Finding, last_full_refresh
from gtm_platform.demo.sandbox_process import Box
from gtm_platform.ingest.market_feeds import PartnerFeed
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.sources.feeds import market_feeds

JOBS = "sumble/jobs"
SIGNS = {
    "job": "open AI jobs",
    "star": "stars",
    "fork": "forks",
    "issue": "issues",
    "pull_request": "pull requests",
    "visit": "visits",
    "listed": "places on lists",
}
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Recorded:
    """What the platform's tables have of the market on a day, by the companies' domains."""

    domains: frozenset[str]
    signals: Mapping[str, Counter[tuple[str, str]]]  # those that still count, by source and kind
    competitors: Mapping[str, Mapping[str, set[str]]]  # by product: the channels
    partners: Mapping[str, Row]
    introducers: Mapping[str, list[str]]
    sessions: int


def truth_of_market(box: Box, day: date) -> Row:
    """Ask for the truth and what is shown; a job is open until a full refresh misses it."""
    truth: Row = box.ask("truth", day=day.isoformat(), jobs_since=last_full_refresh(JOBS, day).isoformat())
    return truth


def market(box: Box, day: date) -> Finding:
    """Check that each company has the signs that systems show of it, and no other."""
    truth = truth_of_market(box, day)
    shown = {row["domain"]: row for row in truth["shown"]["market"]}
    introduced = {row["domain"]: row["introducers"] for row in truth["market"] if "introducers" in row}
    recorded = _recorded(day.isoformat())
    missing = [domain for domain in sorted(shown.keys() - recorded.domains) if _is_named_for_sure(shown[domain])]
    wrong = [f"{domain} is no company" for domain in missing]
    wrong += _sign_differences(recorded, shown)
    for domain in sorted(recorded.competitors.keys() | shown):
        wrong += _use_differences(domain, recorded.competitors.get(domain, {}), shown.get(domain, {}))
    for domain in sorted(recorded.partners.keys() | shown):
        wrong += _partner_differences(domain, recorded.partners.get(domain), shown.get(domain, {}))
    for domain in sorted(recorded.introducers.keys() | introduced):
        ours, theirs = recorded.introducers.get(domain, []), introduced.get(domain, [])
        if ours != theirs:
            wrong.append(f"{domain} could be introduced by {ours}, in truth by {theirs}")
    if recorded.sessions != truth["shown"]["sessions"]:
        wrong.append(f"{recorded.sessions} sessions of the web site, in truth {truth['shown']['sessions']}")
    return Finding(_claim(recorded, shown), wrong)


def _claim(recorded: Recorded, shown: Mapping[str, Row]) -> str:
    """Name how many signs of each kind were compared; what two systems show counts once."""
    counts: Counter[str] = Counter()
    for signs in recorded.signals.values():
        for kind in {kind for _, kind in signs}:
            counts[kind] += max(count for (_, each), count in signs.items() if each == kind)
    named = [f"{counts[kind]:,} {name}" for kind, name in SIGNS.items() if counts[kind]]
    uses = sum(map(len, recorded.competitors.values()))
    named += [
        f"{uses:,} uses of competitors",
        f"{len(recorded.partners):,} partners",
        f"{recorded.sessions:,} sessions",
    ]
    return f"{len(shown):,} companies with all that each system shows of them: {', '.join(named)}"


def _recorded(day: str) -> Recorded:
    companies = {row["company_id"]: row["domain"] for row in _rows("identity/companies", day)}
    signals: dict[str, Counter[tuple[str, str]]] = {}
    for row in _rows("market/signals", day):
        if row["is_active"]:
            signs = signals.setdefault(companies[row["company_id"]], Counter())
            signs.update((source, row["kind"]) for source in row["sources"])
    competitors: dict[str, dict[str, set[str]]] = {}
    for row in _rows("competitor_intel/usage", day):
        competitors.setdefault(companies[row["company_id"]], {})[row["vector_db"]] = set(row["channels"])
    return Recorded(
        domains=frozenset(companies.values()),
        signals=signals,
        competitors=competitors,
        partners={companies[row["company_id"]]: row for row in _rows("market/partners", day)},
        introducers={
            row["domain"]: row["introducers"] for row in _rows("core/unified_companies", day) if row["introducers"]
        },
        sessions=sum(row["sessions"] for row in _rows("market/web_traffic", day)),
    )


def _rows(table: str, day: str) -> list[Row]:
    rows: list[Row] = the_lake().partition(table, day).to_pyarrow().to_pylist()
    return rows


def _is_named_for_sure(shown: Row) -> bool:
    """Whether any system names the company in a way that nobody can miss."""
    counts = (least for kinds in shown["signals"].values() for least, _ in kinds.values())
    channels = (is_sure for seen in shown["competitors"].values() for is_sure in seen.values())
    return any(counts) or any(channels) or bool(shown["partner"])


def _sign_differences(recorded: Recorded, shown: Mapping[str, Row]) -> Iterator[str]:
    for domain in sorted(recorded.signals.keys() | shown):
        ours = recorded.signals.get(domain, Counter())
        bounds = {
            (source, kind): (least, most)
            for source, kinds in shown.get(domain, {}).get("signals", {}).items()
            for kind, (least, most) in kinds.items()
        }
        for source, kind in sorted(ours.keys() | bounds):
            least, most = bounds.get((source, kind), (0, 0))
            if not least <= ours[source, kind] <= most:
                expected = least if least == most else f"{least} to {most}"
                yield f"{domain} has {ours[source, kind]} {SIGNS[kind]} by {source}, in truth {expected}"


def _use_differences(domain: str, ours: Mapping[str, set[str]], shown: Row) -> Iterator[str]:
    uses: Mapping[str, Mapping[str, bool]] = shown.get("competitors", {})
    for product in sorted(ours.keys() | uses):
        channels = uses.get(product, {})
        sure = {channel for channel, is_sure in channels.items() if is_sure}
        seen = ours.get(product, set())
        if not sure <= seen <= channels.keys():
            yield f"{domain} uses {product} by {sorted(seen)}, in truth by {sorted(channels)}"


def _partner_differences(domain: str, ours: Row | None, shown: Row) -> Iterator[str]:
    """What a person entered counts first, then the word of the first source in precedence."""
    stated = [shown["partner"][source] for source in _precedence() if source in shown.get("partner", {})]
    if bool(stated) != bool(ours):
        yield f"{domain} is a partner: {bool(ours)}, in truth {bool(stated)}"
    elif ours and stated:
        expected = {"status": stated[0]["status"], "tier": shown["entered_tier"] or stated[0]["tier"]}
        for name, value in expected.items():
            if ours[name] != value:
                yield f"{domain} is a partner of {name} {ours[name]}, in truth {value}"


def _precedence() -> list[str]:
    return [feed.source for feed in sorted(market_feeds(PartnerFeed), key=lambda feed: feed.precedence)]
