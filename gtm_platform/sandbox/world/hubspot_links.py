"""Ties between HubSpot records, always in both directions."""

from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore

# type ids forward and back; the first company of a contact or a deal is its primary one
_TYPES: dict[tuple[str, str], tuple[set[int], set[int]]] = {
    ("contacts", "companies"): ({1, 279}, {2, 280}),
    ("deals", "companies"): ({5, 341}, {6, 342}),
    ("deals", "contacts"): ({3}, {4}),
    ("notes", "contacts"): ({202}, {201}),
    ("notes", "companies"): ({190}, {189}),
    ("calls", "contacts"): ({194}, {193}),
    ("calls", "companies"): ({182}, {181}),
    ("meetings", "contacts"): ({200}, {199}),
    ("meetings", "companies"): ({188}, {187}),
    ("emails", "contacts"): ({198}, {197}),
    ("emails", "companies"): ({186}, {185}),
    ("tasks", "contacts"): ({204}, {203}),
    ("tasks", "companies"): ({192}, {191}),
    ("notes", "deals"): ({214}, {213}),
    ("calls", "deals"): ({206}, {205}),
    ("meetings", "deals"): ({212}, {211}),
    ("emails", "deals"): ({210}, {209}),
    ("tasks", "deals"): ({216}, {215}),
}


def tie(store: HubSpotStore, record: HubSpotRecord, from_: str, to: str, id_: str) -> None:
    """Link two records in both directions; nothing happens if the target was deleted for good."""
    target = store.objects[to].get(id_)
    if target is not None:  # somebody may have deleted it for good
        forward, back = _TYPES[from_, to]
        record.links.setdefault(to, {})[id_] = set(forward)
        target.links.setdefault(from_, {})[record.id] = set(back)


def inherit(store: HubSpotStore, winner: HubSpotRecord, loser: HubSpotRecord) -> None:
    """After a merge of contacts: what was tied to the loser is tied to the winner."""
    for type_, ties in loser.links.items():
        for id_, types in ties.items():
            winner.links.setdefault(type_, {}).setdefault(id_, set()).update(types)
            target = store.objects[type_].get(id_)
            if target is not None:
                back = target.links.get("contacts", {}).pop(loser.id, set())
                target.links.setdefault("contacts", {}).setdefault(winner.id, set()).update(back)
    loser.links = {}
