"""The accepted writes as JSON-able values, and what each does to the store. The same writes in the same order, at the
same instants, make the same store: a restarted sandbox does them again.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.hubspot.kinds import KINDS, Kind
from gtm_platform.sandbox.hubspot.links import LINK_TYPES, connect, part, unlabel
from gtm_platform.sandbox.hubspot.standard import definitions, groups
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore

Write = dict[str, Any]
Records = list[HubSpotRecord]


def replay(store: HubSpotStore, write: Write, at: datetime) -> Records:
    """Does one write and answers the records it wrote."""
    return _DOING[write["do"]](store, write, at)


def of_kind(store: HubSpotStore, kind: str) -> dict[str, HubSpotRecord]:
    return store.objects.setdefault(kind, {})


def _save(store: HubSpotStore, write: Write, at: datetime) -> Records:
    return [_save_one(store, KINDS[write["kind"]], saved, at) for saved in write["records"]]


def _save_one(store: HubSpotStore, kind: Kind, saved: Write, at: datetime) -> HubSpotRecord:
    known = of_kind(store, kind.name)
    if saved["id"] is None:
        record = HubSpotRecord(str(store.next_id), {}, at, at)
        store.next_id += 1
        known[record.id] = record
    else:
        record = known[saved["id"]]
    if _write(record.properties, saved["properties"]):
        record.updated = at
    for type_id, other in saved.get("links", []):
        _connect(store, type_id, record.id, other)
    return record


def _write(held: dict[str, str], values: dict[str, str]) -> bool:
    """Sets and clears values; says whether anything is different afterwards."""
    changed = {name: value for name, value in values.items() if held.get(name, "") != value}
    held |= changed
    for name in [name for name, value in changed.items() if not value]:
        del held[name]
    return bool(changed)


def _connect(store: HubSpotStore, type_id: int, source_id: str, target_id: str) -> None:
    link = LINK_TYPES[type_id]
    source, target = of_kind(store, link.source)[source_id], of_kind(store, link.target)[target_id]
    connect(link, source, target, of_kind(store, "companies"))


def _archive(store: HubSpotStore, write: Write, at: datetime) -> Records:
    records = [of_kind(store, write["kind"])[key] for key in write["ids"]]
    for record in records:
        record.archived = at
    return records


def _merge(store: HubSpotStore, write: Write, at: datetime) -> Records:
    known = of_kind(store, write["kind"])
    winner, loser = known[write["winner"]], known[write["loser"]]
    earlier = winner.properties.get("hs_merged_object_ids", "").split(";")
    inherited = loser.properties.get("hs_merged_object_ids", "").split(";")
    merged = [key for key in (*earlier, *inherited, loser.id) if key]
    emails = _other_emails(winner, loser)
    winner.properties = {**loser.properties, **winner.properties, "hs_merged_object_ids": ";".join(merged)}
    if emails:
        winner.properties["hs_additional_emails"] = ";".join(emails)
    winner.updated = at
    loser.merged_into = winner.id
    _move_links(store, write["kind"], winner, loser)
    return [winner]


def _other_emails(winner: HubSpotRecord, loser: HubSpotRecord) -> list[str]:
    held = [
        address
        for record in (winner, loser)
        for name in ("email", "hs_additional_emails")
        for address in record.properties.get(name, "").split(";")
        if address
    ]
    first = winner.properties.get("email") or loser.properties.get("email")
    return [address for address in dict.fromkeys(held) if address != first]


def _move_links(store: HubSpotStore, kind: str, winner: HubSpotRecord, loser: HubSpotRecord) -> None:
    """The winner's primary company stays; what the loser was linked with becomes linked with the winner."""
    for other_kind, marks in list(loser.links.items()):
        for other_id, type_ids in list(marks.items()):
            other = of_kind(store, other_kind)[other_id]
            part(kind, loser, other_kind, other)
            for type_id in sorted(type_ids):
                if not LINK_TYPES[type_id].primary:
                    connect(LINK_TYPES[type_id], winner, other, of_kind(store, "companies"))


def _erase(store: HubSpotStore, write: Write, _at: datetime) -> Records:
    record = of_kind(store, write["kind"])[write["id"]]
    for other_kind, marks in list(record.links.items()):
        for other_id in list(marks):
            part(write["kind"], record, other_kind, of_kind(store, other_kind)[other_id])
    del of_kind(store, write["kind"])[record.id]
    return []


def _link(store: HubSpotStore, write: Write, _at: datetime) -> Records:
    for source_id, target_id, type_ids in write["pairs"]:
        for type_id in type_ids:
            _connect(store, type_id, source_id, target_id)
    return []


def _part(store: HubSpotStore, write: Write, _at: datetime) -> Records:
    sources, targets = of_kind(store, write["source"]), of_kind(store, write["target"])
    for source_id, target_id in write["pairs"]:
        part(write["source"], sources[source_id], write["target"], targets[target_id])
    return []


def _unlabel(store: HubSpotStore, write: Write, _at: datetime) -> Records:
    for source_id, target_id, type_ids in write["pairs"]:
        for link in (LINK_TYPES[type_id] for type_id in type_ids):
            unlabel(link, of_kind(store, link.source)[source_id], of_kind(store, link.target)[target_id])
    return []


def _define(store: HubSpotStore, write: Write, _at: datetime) -> Records:
    known = definitions(store, KINDS[write["kind"]])
    known |= {definition["name"]: definition for definition in write["definitions"]}
    return []


def _group(store: HubSpotStore, write: Write, _at: datetime) -> Records:
    groups(store, KINDS[write["kind"]])[write["group"]["name"]] = write["group"]
    return []


_DOING: dict[str, Callable[[HubSpotStore, Write, datetime], Records]] = {
    "save": _save,
    "archive": _archive,
    "merge": _merge,
    "erase": _erase,
    "link": _link,
    "part": _part,
    "unlabel": _unlabel,
    "define": _define,
    "group": _group,
}
