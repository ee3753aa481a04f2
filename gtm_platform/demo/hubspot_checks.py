"""What HubSpot is to hold by the tables of a day, held against what it holds, record by record and asked directly."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from gtm_platform.delivery.hubspot.day_delivery import read_tables
from gtm_platform.delivery.hubspot.object_type import Link, MatchKey, ObjectType
from gtm_platform.delivery.hubspot.object_types import object_types
from gtm_platform.delivery.hubspot.plan import DesiredRecord, plan
from gtm_platform.demo.findings import Finding
from gtm_platform.demo.hubspot_objects import hubspot_ids, hubspot_links, hubspot_matches, hubspot_properties
from gtm_platform.intelligence.effect.shown_lake import shown
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.policy import policy

Ids = Mapping[str, str]  # objects by our records' ids


def hubspot_is_as_wanted(day: date) -> Finding:
    """Check each value of each object, that what HubSpot lacked is there once, and the associations."""
    wanted = {object_type.name: _wanted(object_type, day) for object_type in object_types()}
    created = {object_type.name: _created(object_type, wanted[object_type.name]) for object_type in object_types()}
    wrong: list[str] = []
    objects = associations = 0
    for object_type in object_types():
        ids, records = created[object_type.name], wanted[object_type.name]
        objects += len(records)
        wrong += _missing(object_type, records, ids)
        wrong += _differences(object_type, records, ids)
        for link in object_type.links:
            pairs = _pairs(object_type, link, day, created)
            associations += len(pairs)
            wrong += _unlinked(object_type, link, pairs)
    made = sum(map(len, created.values()))
    return Finding(
        f"{objects:,} HubSpot objects hold what is wanted, {made:,} of them created since they were last read, with "
        f"{associations:,} associations",
        wrong,
    )


def made_by_us(ids: Sequence[str]) -> set[str]:
    """Return those of some contacts that the platform made: no person of the made-up company did."""
    [contacts] = [object_type for object_type in object_types() if object_type.name == "contacts"]
    assert contacts.matching
    own_id = contacts.matching.id_property.name
    return {id for id, each in hubspot_properties("contacts", ids, [own_id]).items() if each.get(own_id)}


def _wanted(object_type: ObjectType, day: date) -> list[DesiredRecord]:
    tables = read_tables(shown(the_lake()), day.isoformat(), object_type.inputs, object_type.days_back)
    return plan(object_type, day.isoformat(), tables, policy().hubspot.create.groups(object_type.name))


def _created(object_type: ObjectType, wanted: Sequence[DesiredRecord]) -> Ids:
    """The objects that HubSpot lacked when it was last read, by our records' ids."""
    if not object_type.matching:
        return {}
    lacked = [record.subject_id for record in wanted if not record.object_id]
    return hubspot_ids(object_type.name, object_type.matching.id_property.name, lacked)


def _missing(object_type: ObjectType, wanted: Sequence[DesiredRecord], created: Ids) -> Iterator[str]:
    """What was lacking is there by one of its keys, unless it was deleted; what we created has none beside it."""
    if not object_type.matching:
        return
    keys = object_type.matching.keys
    own = {record.subject_id: record.unmatched.by_key for record in wanted if record.unmatched}
    matches = [_matches(object_type, key, [v for each in own.values() for v in each[n]]) for n, key in enumerate(keys)]
    for subject_id, by_key in own.items():
        ids = [{id for value in each for id in matches[n].get(value, ())} for n, each in enumerate(by_key)]
        if by_key[0] and not any(ids):
            yield f"{object_type.label} of {subject_id} is not in HubSpot"
        if created.get(subject_id) in ids[0] and len(ids[0]) > 1:
            yield f"{object_type.label} of {subject_id} is in HubSpot {len(ids[0])} times: {', '.join(sorted(ids[0]))}"


def _matches(object_type: ObjectType, key: MatchKey, values: Sequence[str]) -> Mapping[str, list[str]]:
    """The objects that have a value of a key, by the value; of a unique key also those that were deleted."""
    if not key.is_unique:
        return hubspot_matches(object_type.name, key.property, values)
    deleted = hubspot_ids(object_type.name, key.property, values, further=key.further, archived=True)
    live = hubspot_ids(object_type.name, key.property, values, further=key.further)
    return {value: [id] for value, id in {**deleted, **live}.items()}


def _differences(object_type: ObjectType, wanted: Sequence[DesiredRecord], created: Ids) -> Iterator[str]:
    """Who was deleted in HubSpot since it was last read cannot hold anything."""
    by_id = {id: record for record in wanted if (id := record.object_id or created.get(record.subject_id))}
    for id, properties in hubspot_properties(object_type.name, list(by_id), object_type.names).items():
        for name, value in by_id[id].values.items() if id in by_id else ():
            if not object_type.by_name[name].same(properties.get(name) or "", value):
                yield f"{object_type.label} {id}: {name} is {properties.get(name)!r} in HubSpot, not {value!r}"


def _pairs(object_type: ObjectType, link: Link, day: date, created: Mapping[str, Ids]) -> list[tuple[str, set[str]]]:
    """Each object that is to be associated, with all those that would do."""
    rows: list[dict[str, Any]] = (
        link.plan(read_tables(shown(the_lake()), day.isoformat(), link.inputs)).to_pyarrow().to_pylist()
    )
    pairs = [
        (
            row["from_id"] or created[object_type.name].get(row["from_subject"]),
            {row["to_id"] or created[link.to].get(row["to_subject"]), *row["same_ids"]} - {None},
        )
        for row in rows
    ]
    return [(from_id, to_ids) for from_id, to_ids in pairs if from_id and to_ids]


def _unlinked(object_type: ObjectType, link: Link, pairs: Sequence[tuple[str, set[str]]]) -> Iterator[str]:
    ids = [from_id for from_id, _ in pairs]
    live = hubspot_properties(object_type.name, ids, [])
    linked = hubspot_links(object_type.name, link.to, ids)
    targets = hubspot_properties(link.to, sorted({id for _, to_ids in pairs for id in to_ids}), [])
    for from_id, to_ids in pairs:
        live_targets = to_ids & targets.keys()
        if from_id in live and live_targets and not linked.get(from_id, set()) & live_targets:
            listed = ", ".join(sorted(live_targets))
            yield f"{object_type.label} {from_id} is associated with none of {link.to} {listed}"
