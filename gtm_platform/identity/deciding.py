"""Deciding who is who: which records a decision is about, what it may not contradict, and its place in the state."""

from collections.abc import Sequence
from contextlib import closing

from gtm_platform.identity.decisions import record_key
from gtm_platform.identity.references import Meant, Row, meant
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform.sources.feeds import person_feeds
from gtm_platform.state import audit, open_state
from gtm_platform.state.identity_decisions import MERGE, SPLIT, Decision, add_decision, all_decisions, undo_decision

ACTOR = "person"


class Undecidable(ValueError):
    """A decision that says nothing or contradicts another; the message says what to do instead."""


def merge(lake: Lake, first: str, second: str, day: str, who: str, reason: str) -> Decision:
    """Decide that two are the same person."""
    one, other = meant(lake, first, day), meant(lake, second, day)
    if one.customer_id == other.customer_id:
        raise Undecidable(
            f"{first} and {second} are the same customer already: {one.customer_id}. See: gtm why {first}"
        )
    return _decide(MERGE, (_representative(one.records), _representative(other.records)), who, reason)


def split(lake: Lake, first: str, second: str, day: str, who: str, reason: str) -> Decision:
    """Decide that two records are not the same person."""
    one, other = meant(lake, first, day), meant(lake, second, day)
    if one.customer_id != other.customer_id:
        raise Undecidable(f"{first} and {second} are two customers already: {one.customer_id} and {other.customer_id}.")
    apart = _only_of(one, other), _only_of(other, one)
    if not all(apart):
        records = ", ".join(
            f"{row['source']}:{row['record_id']}" for row in {**_by_key(one), **_by_key(other)}.values()
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


def _only_of(one: Meant, other: Meant) -> list[Row]:
    shared = _by_key(other)
    return [row for key, row in _by_key(one).items() if key not in shared]


def _representative(records: Sequence[Row]) -> str:
    """The record that a decision names: of the source whose word counts first, as the likeliest to stay."""
    rank = {feed.source: (feed.id_is_address, feed.precedence) for feed in person_feeds()}
    chosen = min(records, key=lambda row: (rank[row["source"]], row["source"], row["record_id"]))
    return record_key(chosen["source"], chosen["record_id"])


def _decide(kind: str, records: tuple[str, str], who: str, reason: str) -> Decision:
    now = settings().now()
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        for other in all_decisions(tx):
            if other.in_force and set(other.records) == set(records):
                raise Undecidable(
                    f"Decision {other.id} by {other.decided_by} says {other.kind} already. To change it: "
                    f"gtm identity undo {other.id} --why REASON"
                )
        number = add_decision(tx, kind, records, who, reason, now)
        audit.note(tx, now, ACTOR, f"identity.{kind}", str(number), {"who": who, "why": reason})
    return Decision(number, kind, *records, who, reason, now)
