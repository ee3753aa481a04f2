"""What the systems show of the market at the end of a day: which of what companies did can be seen, and where.

The world decides what companies do (`world.truth_market`). A job post stands at Sumble as long as it is open, and what
was dropped as a file stands in the newest one; a portal has some of the partners only. What is *sure* is seen by
everybody who reads the system; what else is listed may be seen, but its company is named in words only, of which
somebody who reads them may make nothing.

The word of the files about a partner comes before that of a portal, PartnerStack's before Crossbeam's.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from gtm_platform.sandbox.files import newest_drop
from gtm_platform.sandbox.github.store import PERSONAL
from gtm_platform.sandbox.world import World
from gtm_platform.sandbox.world.agenda import DAY
from gtm_platform.sandbox.world.market import MarketCompany
from gtm_platform.sandbox.world.market_signals import CompetitorUse, DeveloperAct
from gtm_platform.sandbox.world.partner_network import CROSSBEAM, PARTNERSTACK, PartnerNetwork
from gtm_platform.sandbox.world.truth_cohorts import cohorts
from gtm_platform.sandbox.youtube.store import names_address

SEARCHED_WITHIN = timedelta(days=8)  # so long it takes at most to search for every import of code
JOINED = ("active", "paused", "inactive")  # of partners, as PartnerStack tells them from those that wait

Row = dict[str, Any]
Counts = tuple[int, int]  # those that are sure, and all that may be seen


@dataclass
class Shown:
    """What the systems show of a company."""

    domain: str
    signals: dict[str, dict[str, Counts]] = field(default_factory=dict)  # by source and kind
    competitors: dict[str, dict[str, bool]] = field(default_factory=dict)  # by product and channel: whether it is sure
    acted_on: set[str] = field(default_factory=set)  # products of which a sure channel is evidence enough
    may_be_acted_on: set[str] = field(default_factory=set)
    partner: dict[str, Row] = field(default_factory=dict)  # by source, the first one counts: status and tier
    entered_tier: str | None = None

    def row(self) -> Row:
        """Return it as the sandbox answers it."""
        return {
            "domain": self.domain,
            "signals": self.signals,
            "competitors": self.competitors,
            "partner": self.partner,
            "entered_tier": self.entered_tier,
        }

    def signs(self, place: int) -> Row:
        """Return it in the form of the truth about the market: what is sure (0), or all that may be seen (1)."""
        kinds = ("jobs", "acts", "visits", "listed")
        counted = {kind: sum(self._count(each, place) for each in KINDS_OF[kind]) for kind in kinds}
        used = self.acted_on if place == 0 else self.may_be_acted_on
        status = next((each["status"] for each in self.partner.values()), None)
        signs = {**counted, "competitors": sorted(used), "partner_status": status}
        return {"domain": self.domain, **{name: value for name, value in signs.items() if value}}

    def _count(self, kind: str, place: int) -> int:
        return max((kinds[kind][place] for kinds in self.signals.values() if kind in kinds), default=0)


ACTS = ("star", "fork", "issue", "pull_request")
KINDS_OF: Mapping[str, Sequence[str]] = {"jobs": ("job",), "acts": ACTS, "visits": ("visit",), "listed": ("listed",)}


def shown(world: World, people: Iterable[Mapping[str, Any]], day: date, jobs_since: date | None = None) -> Row:
    """Return what is shown at the end of a day, and in which cohort each company is by that.

    A reader who looks for closed job posts now and then only has all that were open since `jobs_since`.
    """
    before = datetime.combine(day, time(), UTC) + DAY
    first = datetime.combine(jobs_since or day, time(), UTC) + DAY
    ends = [first + number * DAY for number in range((before - first) // DAY + 1)]
    companies = [
        company
        for company in _companies(world, before, ends)
        if company.signals or company.competitors or company.partner
    ]
    staff = list(people)
    sure, most = ([each.signs(place) for each in companies] for place in (0, 1))
    may_be = {row["domain"]: row["cohort"] for row in cohorts(staff, most, before)}
    standing = {row["domain"]: row["cohort"] for row in cohorts(staff, sure, before)}
    return {
        "market": [each.row() for each in companies],
        "cohorts": {domain: [standing.get(domain), cohort] for domain, cohort in sorted(may_be.items())},
        "sessions": sum(
            before - DAY <= visit.at < before
            for each in world.market.companies(before)
            for visit in each.signals.visits
        ),
    }


def _companies(world: World, before: datetime, ends: Sequence[datetime]) -> Iterator[Shown]:
    portals = {
        name: {each.company.number for each in PartnerNetwork(name, share, world.market).partners(before)}
        for name, share in (PARTNERSTACK, CROSSBEAM)
    }
    dropped = newest_drop(world, before)
    for each in world.market.companies(before):
        company = Shown(each.company.domain, _signals(each, before, ends, dropped))
        for use in each.signals.competitors:
            _add_use(company, each, use, before, dropped)
        _add_partner(company, each, portals, before, dropped)
        yield company


def _signals(
    each: MarketCompany, before: datetime, ends: Sequence[datetime], dropped: datetime | None
) -> dict[str, dict[str, Counts]]:
    signals = each.signals
    jobs = sum(job.is_ai and any(job.posted < end <= job.closed for end in ends) for job in signals.jobs)
    visits = sum(visit.at < before for visit in signals.visits)
    listed = int(bool(signals.listed and dropped and signals.listed < dropped))
    acts = list(_distinct(act for act in signals.acts if act.at < before))
    counts = {
        "sumble": {"job": (jobs, jobs)},
        "factors": {"visit": (visits, visits)},
        "linkedin_sales_nav": {"listed": (listed, listed)},
        "reodev": {kind: (count, count) for kind, count in Counter(act.kind for act in acts).items()},
        "github": _on_github(acts),
    }
    present = {source: {kind: pair for kind, pair in kinds.items() if pair[1]} for source, kinds in counts.items()}
    return {source: kinds for source, kinds in present.items() if kinds}


def _distinct(acts: Iterable[DeveloperAct]) -> Iterator[DeveloperAct]:
    """Somebody stars and forks a repository once."""
    seen: set[object] = set()
    for act in acts:
        key = act.id if act.kind in ("issue", "pull_request") else (act.kind, act.repository, act.developer.id)
        if key not in seen:
            seen.add(key)
            yield act


def _on_github(acts: Iterable[DeveloperAct]) -> dict[str, Counts]:
    """Acts of developers who name their company: by an address or a membership for sure, else in words."""
    named = [act for act in acts if act.developer.email or act.developer.works_at]
    sure = Counter(act.kind for act in named if act.developer.email or str(act.developer.works_at).startswith("@"))
    return {kind: (sure[kind], count) for kind, count in Counter(act.kind for act in named).items()}


def _add_use(
    company: Shown, each: MarketCompany, use: CompetitorUse, before: datetime, dropped: datetime | None
) -> None:
    """Add where it is seen. An import in somebody's own repository is no evidence to act upon."""
    if use.seen >= before:
        return
    is_noted = bool(dropped and use.seen < dropped)
    is_searched = use.seen + SEARCHED_WITHIN < before
    is_sure = {
        "job_posting": True,
        "manual_research": is_noted,
        "youtube": names_address(each),
        "github": is_searched,
    }
    channels = {name: is_sure[name] for name in use.channels if name != "manual_research" or is_noted}
    if channels:
        company.competitors[use.competitor] = channels
    is_own = each.company.number % PERSONAL == 0
    evident = {name: sure for name, sure in channels.items() if not (name == "github" and is_own)}
    if any(evident.values()):
        company.acted_on.add(use.competitor)
    if evident:
        company.may_be_acted_on.add(use.competitor)


def _add_partner(
    company: Shown, each: MarketCompany, portals: Mapping[str, set[int]], before: datetime, dropped: datetime | None
) -> None:
    partnership, number = each.signals.partnership, each.company.number
    if partnership is None or partnership.since >= before:
        return
    if dropped and partnership.since < dropped:
        company.partner["partners_csv"] = {"status": partnership.status, "tier": partnership.tier}
        company.entered_tier = partnership.entered_tier
    if number in portals[PARTNERSTACK[0]]:
        status = "active" if partnership.status in JOINED else "onboarding"
        company.partner["partnerstack"] = {"status": status, "tier": partnership.tier}
    if number in portals[CROSSBEAM[0]]:
        company.partner["crossbeam"] = {"status": "active", "tier": partnership.tier}
