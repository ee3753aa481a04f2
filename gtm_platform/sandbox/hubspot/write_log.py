"""What each accepted write does to the store."""

from collections.abc import Callable
from datetime import datetime

from gtm_platform.sandbox.hubspot.kinds import KINDS, Kind
from gtm_platform.sandbox.hubspot.links import LINK_TYPES, connect, part, unlabel
from gtm_platform.sandbox.hubspot.standard import definitions, groups
from gtm_platform.sandbox.hubspot.store import BY_INTEGRATION, BY_MERGE, HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.kit import write_log as actions
from gtm_platform.sandbox.kit.write_log import Write

Records = list[HubSpotRecord]


def replay(store: HubSpotStore, write: Write, at: datetime) -> Records:
    """Do one write, and answer the records that it wrote."""
    return actions.replay(ACTIONS, store, write, at)


def of_kind(store: HubSpotStore, kind: str) -> dict[str, HubSpotRecord]:
    """All records of a type by id."""
    return store.objects.setdefault(kind, {})


def _save(store: HubSpotStore, write: Write, at: datetime) -> Records:
    source = write.get("source", BY_INTEGRATION)
    return [_save_record(store, KINDS[write["kind"]], saved, at, source) for saved in write["records"]]


def _save_record(store: HubSpotStore, kind: Kind, saved: Write, at: datetime, source: str) -> HubSpotRecord:
    records = of_kind(store, kind.name)
    if saved["id"] is None:
        initial = {name: value for name, value in saved["properties"].items() if value}
        record = HubSpotRecord(str(store.next_id), initial, at, at, source=source)
        store.next_id += 1
        records[record.id] = record
    else:
        record = records[saved["id"]]
        record.write(saved["properties"], at, source)
    for type_id, target_id in saved.get("links", []):
        _connect(store, type_id, record.id, target_id)
    return record


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
    records = of_kind(store, write["kind"])
    winner, loser = records[write["winner"]], records[write["loser"]]
    earlier = winner.properties.get("hs_merged_object_ids", "").split(";")
    inherited = loser.properties.get("hs_merged_object_ids", "").split(";")
    merged = [key for key in (*earlier, *inherited, loser.id) if key]
    emails = _additional_emails(winner, loser)
    values = {**loser.properties, **winner.properties, "hs_merged_object_ids": ";".join(merged)}
    if emails:
        values["hs_additional_emails"] = ";".join(emails)
    winner.write(values, at, BY_MERGE)
    loser.merged_into = winner.id
    _move_links(store, write["kind"], winner, loser)
    return [winner]


def _additional_emails(winner: HubSpotRecord, loser: HubSpotRecord) -> list[str]:
    addresses = [
        address
        for record in (winner, loser)
        for name in ("email", "hs_additional_emails")
        for address in record.properties.get(name, "").split(";")
        if address
    ]
    first = winner.properties.get("email") or loser.properties.get("email")
    return [address for address in dict.fromkeys(addresses) if address != first]


def _move_links(store: HubSpotStore, kind: str, winner: HubSpotRecord, loser: HubSpotRecord) -> None:
    """The winner's primary company stays; what the loser was linked with becomes linked with the winner."""
    for target_kind, marks in list(loser.links.items()):
        for target_id, type_ids in list(marks.items()):
            target = of_kind(store, target_kind)[target_id]
            part(kind, loser, target_kind, target)
            for type_id in sorted(type_ids):
                if not LINK_TYPES[type_id].primary:
                    connect(LINK_TYPES[type_id], winner, target, of_kind(store, "companies"))


def _erase(store: HubSpotStore, write: Write, _at: datetime) -> Records:
    record = of_kind(store, write["kind"])[write["id"]]
    for target_kind, marks in list(record.links.items()):
        for target_id in list(marks):
            part(write["kind"], record, target_kind, of_kind(store, target_kind)[target_id])
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
    by_name = definitions(store, KINDS[write["kind"]])
    by_name |= {definition["name"]: definition for definition in write["definitions"]}
    return []


def _group(store: HubSpotStore, write: Write, _at: datetime) -> Records:
    groups(store, KINDS[write["kind"]])[write["group"]["name"]] = write["group"]
    return []


ACTIONS: dict[str, Callable[[HubSpotStore, Write, datetime], Records]] = {
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
