"""Decisions of people about who is who, as the links obey them: they win over every rule.

A merge ties two records together. A split keeps two records apart, whatever they share: of the traits by which they
would hang together the least sure are refused, record by record, so that each cluster is what it would be had those
records never had the trait. Without a split nothing is looked at.

Companies are decided on by what they go by, a domain or a record without one: `company:acme.com`, `company:hubspot:12`.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256

import ibis

from gtm_platform.identity.person_records import FEEDS, named
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.identity_decisions import MERGE, SPLIT, Decision, all_decisions

METHOD = "decision"
COMPANY = "company:"  # how the name of a company begins
BY_ADDRESS = frozenset(feed.source for feed in FEEDS if feed.id_is_address)


class Undecidable(ValueError):
    """A decision that says nothing or contradicts another; the message says what to do instead."""


def decisions_of_home() -> list[Decision]:
    """Return every decision that the home knows, those included that were taken back."""
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        return all_decisions(tx)


def record_key(source: str, record_id: str) -> str:
    """Name a record as a decision does: of a source whose ids are addresses by a hash of it."""
    return f"{source}:{sha256(record_id.encode()).hexdigest() if source in BY_ADDRESS else record_id}"


def keys_of(records: ibis.Table) -> ibis.ir.StringValue:
    """Return how decisions name each of some records."""
    shown = records["record_id"]
    if BY_ADDRESS:
        shown = ibis.ifelse(records["source"].isin(sorted(BY_ADDRESS)), shown.hexdigest("sha256"), shown)
    return named(records["source"], shown)


def merges(records: ibis.Table, decisions: Sequence[Decision]) -> ibis.Table | None:
    """Return [node, trait, method] of the records that people said are the same; None without any."""
    parts = [
        records.filter(keys_of(records).isin(decision.records)).select(
            "node", trait=ibis.literal(f"decision {decision.id}"), method=ibis.literal(METHOD)
        )
        for decision in _of_people(decisions)
        if decision.in_force and decision.kind == MERGE
    ]
    return ibis.union(*parts) if len(parts) > 1 else parts[0] if parts else None


def splits(decisions: Sequence[Decision]) -> list[tuple[str, str]]:
    """Return the pairs of records that people said are not the same."""
    return [decision.records for decision in _of_people(decisions) if decision.in_force and decision.kind == SPLIT]


def set_free(decisions: Sequence[Decision]) -> list[str]:
    """Return the records that people took out of a customer, which may get an id of theirs back."""
    freeing = [each for each in _of_people(decisions) if each.in_force == (each.kind == SPLIT)]
    return sorted({record for decision in freeing for record in decision.records})


def _of_people(decisions: Sequence[Decision]) -> list[Decision]:
    return [decision for decision in decisions if not is_of_companies(decision)]


def is_of_companies(decision: Decision) -> bool:
    """Whether a decision is about two companies."""
    return decision.first_record.startswith(COMPANY)


def company_pairs(decisions: Sequence[Decision], kind: str, *, in_force: bool = True) -> list[tuple[str, str]]:
    """Return the pairs that people said are one company, or are not, the oldest first."""
    of_kind = [each for each in decisions if is_of_companies(each) and (each.kind, each.in_force) == (kind, in_force)]
    return [(each.first_record.removeprefix(COMPANY), each.second_record.removeprefix(COMPANY)) for each in of_kind]


def company_merges(decisions: Sequence[Decision]) -> dict[str, str]:
    """Return what each merged domain or record goes by: a domain, if one of them has any."""
    clusters = _Clusters([])
    pairs = company_pairs(decisions, MERGE)
    for first, second in pairs:
        clusters.tie(first, second)
    named = dict.fromkeys(name for pair in pairs for name in pair)
    goes_by: dict[str, str] = {}
    for name in sorted(named, key=is_record):  # stable: domains first, each kind in the order of the decisions
        goes_by.setdefault(clusters.label[name], name)
    return {name: goes_by[clusters.label[name]] for name in named if goes_by[clusters.label[name]] != name}


def company_set_free(decisions: Sequence[Decision]) -> list[str]:
    """Return the domains and records that people took out of a company."""
    freeing = company_pairs(decisions, SPLIT) + company_pairs(decisions, MERGE, in_force=False)
    return sorted({name for pair in freeing for name in pair})


def is_record(name: str) -> bool:
    """Whether a company goes by a record, as it has no domain."""
    return ":" in name


@dataclass(frozen=True, order=True)
class Membership:
    """That a record has a trait. Ordered: what is surer comes first, then the older record."""

    level: int
    trait: str
    created: int
    record: str


def refused(memberships: Sequence[Membership], pairs: Sequence[tuple[str, str]]) -> list[Membership]:
    """Return the memberships that do not count, so that no two records of a pair hang together.

    Traits are taken one by one, the surest first; each ties its records to the first one that has it, unless that would
    bring a pair together.
    """
    clusters = _Clusters(pairs)
    first: dict[str, str] = {}
    return [
        membership
        for membership in sorted(memberships)
        if not clusters.tie(first.setdefault(membership.trait, membership.record), membership.record)
    ]


class _Clusters:
    """Union-find that knows which records may not meet."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.label: dict[str, str] = {}
        self.members: dict[str, list[str]] = {}
        self.apart: dict[str, set[str]] = {}
        for a, b in pairs:
            self.apart.setdefault(a, set()).add(b)
            self.apart.setdefault(b, set()).add(a)

    def tie(self, a: str, b: str) -> bool:
        """Bring the clusters of two records together; tell whether they may be."""
        left, right = self._cluster(a), self._cluster(b)
        if left == right:
            return True
        if any(self._cluster(other) == right for other in self._enemies(left)):
            return False
        for member in self.members.pop(right):
            self.label[member] = left
            self.members[left].append(member)
        return True

    def _cluster(self, record: str) -> str:
        label = self.label.setdefault(record, record)
        self.members.setdefault(label, [record])
        return label

    def _enemies(self, label: str) -> Iterator[str]:
        return (other for member in self.members[label] for other in self.apart.get(member, ()))
