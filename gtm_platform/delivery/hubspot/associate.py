"""Associating objects in HubSpot: what is missing is added, nothing is taken away, and no primary mark is moved.

What the journal once saw or made is not looked at again: who takes such an association away has their reasons. The call
is idempotent, so that an outcome that nobody knows is simply read by the next run.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from gtm_platform.delivery.hubspot.object_type import Link, ObjectType, Tables
from gtm_platform.delivery.hubspot.report import LinkCounts
from gtm_platform.delivery.hubspot.turns import intend
from gtm_platform.delivery.hubspot.write import SPLIT, Run
from gtm_platform.http.errors import ApiFailure, BadRequest, NotFound
from gtm_platform.http.redaction import excerpt
from gtm_platform.sources.hubspot.client import LINKS_READ, HubSpotClient
from gtm_platform.state import State
from gtm_platform.state.hubspot_creations import (
    associated,
    association,
    created_objects,
    pending_associations,
)
from gtm_platform.state.hubspot_journal import Outcome, Write, conclude, receive

ARRIVED, WAS_THERE = "found in HubSpot when it was read again", "HubSpot had it already"
NO_ANSWER = "HubSpot's answer did not say what became of it; the next run looks it up."


class Pair(NamedTuple):
    """Two objects that are to be associated, and all objects that are the same as the second."""

    from_subject: str
    from_id: str
    to_subject: str
    to_id: str
    same_ids: frozenset[str]


def plan_links(object_type: ObjectType, link: Link, tables: Tables, state: State) -> list[Pair]:
    """Return the pairs of which HubSpot has both objects, in the order of our records' ids."""
    rows = link.plan(tables).order_by("from_subject", "to_subject").to_pyarrow().to_pylist()
    with state.reading() as tx:
        created, created_targets = created_objects(tx, object_type.name), created_objects(tx, link.to)
    pairs = []
    for row in rows:
        from_id = row["from_id"] or created.get(row["from_subject"])
        to_id = row["to_id"] or created_targets.get(row["to_subject"])
        if from_id and to_id:
            same = frozenset([to_id, *(row["same_ids"] or ())])
            pairs.append(Pair(row["from_subject"], from_id, row["to_subject"], to_id, same))
    return pairs


class Associator:
    """Associates objects of one type with those of another, and keeps the receipts."""

    def __init__(self, client: HubSpotClient, state: State, run: Run, object_type: ObjectType, to: str) -> None:
        self.client, self.state, self.run, self.object_type, self.to = client, state, run, object_type, to
        self._path = f"/crm/v4/associations/{object_type.name}/{to}/batch/associate/default"

    def associate(self, wanted: Sequence[Pair], *, dry_run: bool = False) -> LinkCounts:
        """Add the associations that are missing; a dry run counts them."""
        name = self.object_type.name
        with self.state.reading() as tx:
            settled = associated(tx, name, self.to)
        open_pairs = [pair for pair in wanted if not any((pair.from_id, id) in settled for id in pair.same_ids)]
        outcomes: dict[Outcome, int] = {"unchanged": len(wanted) - len(open_pairs)}
        waiting = 0
        for start in range(0, len(open_pairs), LINKS_READ):
            some = open_pairs[start : start + LINKS_READ]
            linked = self._linked([pair.from_id for pair in some])
            missing = [pair for pair in some if not linked.get(pair.from_id, set()) & pair.same_ids]
            present = [pair for pair in some if linked.get(pair.from_id, set()) & pair.same_ids]
            outcomes["unchanged"] += len(present)
            if dry_run:
                waiting += len(missing)
                continue
            self._keep_present(present)
            for outcome in self._make(missing) if missing else ():
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
        failed = outcomes.get("rejected", 0) + outcomes.get("unknown", 0)
        return LinkCounts(len(wanted), outcomes.get("written", 0), outcomes["unchanged"], failed, waiting)

    def _linked(self, ids: Sequence[str]) -> dict[str, set[str]]:
        """What objects are associated with in HubSpot now."""
        linked: dict[str, set[str]] = {}
        inputs: list[dict[str, str]] = [{"id": id} for id in dict.fromkeys(ids)]
        while inputs:
            answer = json.loads(self.client.links(self.object_type.name, self.to, inputs))
            inputs = []
            for row in answer["results"]:
                source = str(row["from"]["id"])
                linked.setdefault(source, set()).update(str(other["toObjectId"]) for other in row["to"])
                if after := ((row.get("paging") or {}).get("next") or {}).get("after"):
                    inputs.append({"id": source, "after": str(after)})
        return linked

    def _keep_present(self, pairs: Sequence[Pair]) -> None:
        """Journal what HubSpot had already, and what an earlier run turns out to have made."""
        with self.state.writing() as tx:
            pending = pending_associations(tx, self.object_type.name, self.to)
            ours = [pair for pair in pairs if (pair.from_id, pair.to_id) in pending]
            rows = [row for pair in ours for row in pending[pair.from_id, pair.to_id]]
            receive(tx, rows, "written", self.run.now(), ARRIVED)
            theirs = [(self._write(pair), WAS_THERE) for pair in pairs if pair not in ours]
            conclude(tx, theirs, "unchanged", self.run.now())

    def _make(self, pairs: Sequence[Pair]) -> Iterator[Outcome]:
        with self.state.writing() as tx:
            rows = intend(tx, [self._write(pair) for pair in pairs], self.run.now())
        for pair_rows, outcome, reason in self._sent(list(zip(pairs, rows, strict=True))):
            with self.state.writing() as tx:
                receive(tx, pair_rows, outcome, self.run.now(), reason)
            yield from [outcome] * len(pair_rows)

    def _sent(self, batch: Sequence[tuple[Pair, int]]) -> Iterator[tuple[list[int], Outcome, str | None]]:
        """Send pairs, and yield the rows of those that had the same outcome."""
        inputs = [{"from": {"id": pair.from_id}, "to": {"id": pair.to_id}} for pair, _ in batch]
        create = self.client.api("associations.v4.batch_api").create_default
        call = partial(create, self.object_type.name, self.to, {"inputs": inputs})
        try:
            answer = json.loads(self.client.call("POST", self._path, call))
        except (BadRequest, NotFound) as failure:
            if failure.status not in SPLIT:
                raise
            if len(batch) == 1:
                yield [batch[0][1]], "rejected", failure.message
            else:
                middle = len(batch) // 2
                yield from self._sent(batch[:middle])
                yield from self._sent(batch[middle:])
        except ApiFailure as failure:
            yield [row for _, row in batch], "unknown", failure.message
            raise
        else:
            yield from _outcomes(batch, answer)

    def _write(self, pair: Pair) -> Write:
        provenance = json.dumps({"links": pair.to_subject, "day": self.run.day})
        about = (self.object_type.name, pair.from_id, pair.from_subject)
        write = Write(self.run.id, self.run.day, *about, "", "", "", provenance, self.run.trace(pair.from_id))
        return association(write, self.to, pair.to_id)


def _outcomes(
    batch: Sequence[tuple[Pair, int]], answer: Mapping[str, Any]
) -> Iterator[tuple[list[int], Outcome, str | None]]:
    """Match an answer, in which each association stands once for either way."""
    made = {(str(row["from"]["id"]), str(row["to"]["id"])) for row in answer["results"]}
    reasons = {
        str(id): excerpt(str(error.get("message") or "HubSpot did not say why."))
        for error in answer.get("errors") or []
        for id in (error.get("context") or {}).get("fromObjectId", [])
    }
    yield [row for pair, row in batch if (pair.from_id, pair.to_id) in made], "written", None
    for pair, row in batch:
        if (pair.from_id, pair.to_id) not in made:
            reason = reasons.get(pair.from_id)
            yield [row], "rejected" if reason else "unknown", reason or NO_ANSWER
