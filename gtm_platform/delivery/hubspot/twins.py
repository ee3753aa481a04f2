"""Objects that we created while somebody else created the same: ours is archived, and theirs is taken for it.

HubSpot makes companies of its contacts' addresses by itself, and lets several have a domain. Its search shows a new
object only some seconds later, so what was created is looked up again when it was made, and once more by a later run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gtm_platform.delivery.hubspot.client import HubSpotObjects, batches
from gtm_platform.delivery.hubspot.object_type import MatchKey, ObjectType
from gtm_platform.state import State
from gtm_platform.state import audit as trail
from gtm_platform.state.hubspot_creations import (
    GONE,
    associated_with,
    creations_to_check,
    note_checked,
    receive_object,
)

SHOWN_AFTER, LOOKED_UP_FOR = timedelta(minutes=1), timedelta(days=7)
ALONE = "no other was seen later"
ARCHIVED = "HubSpot, or somebody, created it at the same moment; ours ({id}) was archived"


@dataclass(frozen=True)
class CreatedObject:
    """An object that we created, for which record of ours, and its value of the first key."""

    id: str
    subject_id: str
    value: str


def twin_key(object_type: ObjectType) -> MatchKey | None:
    """Return the first key by which an object is recognised, where HubSpot lets several have its value."""
    first = object_type.matching.keys[0] if object_type.matching else None
    return first if first and not first.is_unique and not first.unless_other else None


def twins_of(made: Sequence[CreatedObject], objects: HubSpotObjects, owners: Mapping[str, str]) -> dict[str, str]:
    """Return for each object the only other that has its value.

    It is not that of another record of ours. Of several others none is guessed, and ours stays.
    """
    key = twin_key(objects.object_type)
    if key is None:
        return {}
    by_value: dict[str, list[str]] = {}
    for batch in batches(list(dict.fromkeys(new.value.lower() for new in made if new.value))):
        for candidate in objects.search(key.property, batch, [key.property]):
            value = str((candidate.get("properties") or {}).get(key.property) or "").lower()
            by_value.setdefault(value, []).append(candidate["id"])
    twins = {}
    for new in made:
        candidates = [other for other in by_value.get(new.value.lower(), ()) if other != new.id]
        if len(candidates) == 1 and owners.get(candidates[0], new.subject_id) == new.subject_id:
            [twins[new.id]] = candidates
    return twins


def give_way_later(
    objects: HubSpotObjects, state: State, owners: Mapping[str, str], run_id: str, now: datetime
) -> None:
    """Archive what earlier runs created and somebody else created, too.

    What others associated contacts or deals with stays.
    """
    key, name = twin_key(objects.object_type), objects.object_type.name
    if key is None:
        return
    with state.reading() as tx:
        rows = creations_to_check(tx, name, now - LOOKED_UP_FOR, now - SHOWN_AFTER)
    if not rows:
        return
    read = {
        id: values
        for batch in batches([row.object_id for row in rows])
        for id, values in objects.read_values(batch, [key.property]).items()
    }
    made = [
        CreatedObject(row.object_id, row.subject_id, read[row.object_id][key.property])
        for row in rows
        if row.object_id in read
    ]
    twins = twins_of(made, objects, {**owners, **{new.id: new.subject_id for new in made}})
    free = _free_of_others(list(twins), objects, state) if twins else set()
    archive({id: twin for id, twin in twins.items() if id in free}, objects, state, run_id, now)
    with state.writing() as tx:
        note_checked(tx, [row.id for row in rows if row.object_id in read], ALONE)
        note_checked(tx, [row.id for row in rows if row.object_id not in read], GONE)
        for row in rows:
            if row.object_id in free:
                reason = ARCHIVED.format(id=row.object_id)
                receive_object(tx, row.id, twins[row.object_id], "unchanged", now, reason)


def archive(twins: Mapping[str, str], objects: HubSpotObjects, state: State, run_id: str, now: datetime) -> None:
    """Archive objects of ours, from where a person can restore them, and note for which others."""
    for batch in batches(list(twins)):
        objects.archive(batch)
        with state.writing() as tx:
            for id in batch:
                subject = f"{objects.object_type.name} {id}"
                trail.note(tx, now, "delivery", "hubspot.archive", subject, {"twin": twins[id], "run": run_id})


def _free_of_others(ids: Sequence[str], objects: HubSpotObjects, state: State) -> set[str]:
    """Those of some objects that have no deal, and with which only we associated contacts."""
    with state.reading() as tx:
        ours = associated_with(tx, "contacts", objects.object_type.name)
    theirs = {
        id: contacts - ours.get(id, set())
        for batch in batches(ids)
        for id, contacts in objects.associates(batch, "contacts").items()
    }
    free = [id for id in ids if not theirs.get(id)]
    with_deals = {id for batch in batches(free) for id, deals in objects.associates(batch, "deals").items() if deals}
    return {*free} - with_deals
