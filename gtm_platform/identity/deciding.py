"""Deciding who is who: which records a decision is about, what it may not contradict, and its place in the state."""

from collections.abc import Sequence
from contextlib import closing

from gtm_platform.identity import deciding_companies, review
from gtm_platform.identity.decisions import Undecidable, record_key
from gtm_platform.identity.references import Meant, Row, is_company, meant
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform.sources.feeds import person_feeds
from gtm_platform.state import audit, open_state
from gtm_platform.state.identity_decisions import MERGE, SPLIT, Decision, add_decision, all_decisions, undo_decision

ACTOR = "person"


def merge(lake: Lake, first: str, second: str, day: str, who: str, reason: str) -> Decision:
    """Decide that two are the same person, or the same company."""
    if is_company(first) and is_company(second):
        return _decide(MERGE, deciding_companies.merged_pair(lake, first, second, day), who, reason)
    left, right = meant(lake, first, day), meant(lake, second, day)
    if left.customer_id == right.customer_id:
        raise Undecidable(
            f"{first} and {second} are the same customer already: {left.customer_id}. See: gtm why {first}"
        )
    return _decide(MERGE, (_representative(left.records), _representative(right.records)), who, reason)


def split(lake: Lake, first: str, second: str, day: str, who: str, reason: str) -> Decision:
    """Decide that two records, or two that are listed for review, are not the same person, or company."""
    if is_company(first) and is_company(second):
        return _decide(SPLIT, deciding_companies.split_pair(lake, first, second, day), who, reason)
    left, right = meant(lake, first, day), meant(lake, second, day)
    if left.customer_id != right.customer_id:
        if review.is_listed(lake, left.customer_id, right.customer_id):
            return _decide(SPLIT, (_representative(left.records), _representative(right.records)), who, reason)
        raise Undecidable(
            f"{first} and {second} are two customers already: {left.customer_id} and {right.customer_id}."
        )
    apart = _only_of(left, right), _only_of(right, left)
    if not all(apart):
        records = ", ".join(
            f"{row['source']}:{row['record_id']}" for row in {**_by_key(left), **_by_key(right)}.values()
        )
        raise Undecidable(f"{first} and {second} name the same records. Name two of them: {records}.")
    return _decide(SPLIT, (_representative(apart[0]), _representative(apart[1])), who, reason)


def undo(number: int, who: str, reason: str) -> Decision:
    """Take a decision back."""
    now = settings().now()
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        if not undo_decision(tx, number, who, reason, now):
            raise Undecidable(f"There is no decision {number} in force. `gtm identity decisions` lists them.")
        undone = next(decision for decision in all_decisions(tx) if decision.id == number)
        audit.note(tx, now, ACTOR, "identity.undo", str(number), {"who": who, "why": reason})
    return undone


def _by_key(who: Meant) -> dict[str, Row]:
    return {record_key(row["source"], row["record_id"]): row for row in who.records}


def _only_of(left: Meant, right: Meant) -> list[Row]:
    shared = _by_key(right)
    return [row for key, row in _by_key(left).items() if key not in shared]


def _representative(records: Sequence[Row]) -> str:
    """The record that a decision names: of the source whose word counts first, as the likeliest to stay."""
    rank = {feed.source: (feed.id_is_address, feed.precedence) for feed in person_feeds()}
    chosen = min(records, key=lambda row: (rank[row["source"]], row["source"], row["record_id"]))
    return record_key(chosen["source"], chosen["record_id"])


def _decide(kind: str, records: tuple[str, str], who: str, reason: str) -> Decision:
    now = settings().now()
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        for earlier in all_decisions(tx):
            if earlier.in_force and set(earlier.records) == set(records):
                raise Undecidable(
                    f"Decision {earlier.id} by {earlier.decided_by} says {earlier.kind} already. To change it: "
                    f"gtm identity undo {earlier.id} --why REASON"
                )
        number = add_decision(tx, kind, records, who, reason, now)
        audit.note(tx, now, ACTOR, f"identity.{kind}", str(number), {"who": who, "why": reason})
    return Decision(number, kind, *records, who, reason, now)
