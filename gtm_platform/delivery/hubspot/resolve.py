"""Which object in HubSpot each record of the plan is, and which have none: read and searched, never guessed.

The tables know the objects of the last sync. Of the others the journal knows those that we created since; the rest is
looked up by our own id, which HubSpot lets exist once, and then by the keys that the object type declares, in order.
Nothing is written here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gtm_platform.delivery.hubspot.client import HubSpotObjects, batches
from gtm_platform.delivery.hubspot.object_type import Matching, MatchKey
from gtm_platform.delivery.hubspot.plan import DesiredRecord, Unmatched
from gtm_platform.state import State
from gtm_platform.state.hubspot_creations import created_objects, written_objects

SEVERAL = "HubSpot has {count} such {name}: {ids}. Which is meant is not guessed: merge them in HubSpot."
ANOTHERS = "HubSpot's {label} {id} matches, but it is that of {other}. Merge our records, or correct HubSpot's."
DELETED = "Such a {label} was deleted in HubSpot ({id}), and what was deleted is not made again. Restore it there."
LOST = (
    "Its values were written to {label} {id}, which was deleted in HubSpot or is no longer tied to it; no second one "
    "is created. Restore or correct it there."
)
NO_ID = "Nothing is created without the property of our own ids. {reason}"

Withheld = tuple[DesiredRecord, str]
Candidate = Mapping[str, Any]  # an object as HubSpot answers it


@dataclass
class Resolution:
    """The records with an object, those that HubSpot lacks, and those left to a person, each with why."""

    identified: list[DesiredRecord] = field(default_factory=list)
    missing: list[DesiredRecord] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)


def resolve(desired: Sequence[DesiredRecord], objects: HubSpotObjects, state: State) -> Resolution:
    """Find the object of each record; without a matching, all have one."""
    resolution = Resolution([record for record in desired if record.object_id])
    unmatched = [record for record in desired if not record.object_id]
    matching = objects.object_type.matching
    if unmatched and matching:
        with state.reading() as tx:
            created = created_objects(tx, objects.object_type.name)
        _Resolver(objects, state, matching, resolution).resolve(unmatched, created)
    return resolution


class _Resolver:
    """Sorts the records without an object into a resolution, step by step."""

    def __init__(self, objects: HubSpotObjects, state: State, matching: Matching, resolution: Resolution) -> None:
        self.objects, self.state, self.matching, self.resolution = objects, state, matching, resolution
        self.owners = {record.object_id: record.subject_id for record in resolution.identified}

    def resolve(self, unmatched: Sequence[DesiredRecord], created: Mapping[str, str]) -> None:
        left = self._identify(unmatched, created)
        left = self._identify(left, self._by_own_id(left))
        for place, key in enumerate(self.matching.keys):
            left = self._match(left, key, place)
        left = self._without_deleted(left)
        if left and (reason := self.objects.definitions.unusable().get(self.matching.id_property.name)):
            self._withhold((record, NO_ID.format(reason=reason)) for record in left)
        else:
            self.resolution.missing += left

    def _identify(self, records: Sequence[DesiredRecord], ids: Mapping[str, str]) -> list[DesiredRecord]:
        """Give records the objects that are theirs; return the rest."""
        left = []
        for record in records:
            object_id = ids.get(record.subject_id)
            if object_id is None:
                left.append(record)
            elif (other := self.owners.get(object_id, record.subject_id)) != record.subject_id:
                label = self.objects.object_type.label
                self._withhold([(record, ANOTHERS.format(label=label, id=object_id, other=other))])
            else:
                self.resolution.identified.append(record._replace(object_id=object_id, unmatched=None))
        return left

    def _by_own_id(self, records: Sequence[DesiredRecord]) -> dict[str, str]:
        """The objects that have our records' ids, as of a creation that our journal knows nothing of."""
        own_id = self.matching.id_property.name
        if not records or not self.objects.definitions.has(own_id) or own_id in self.objects.definitions.unusable():
            return {}
        subjects = [record.subject_id for record in records]
        return {
            candidate["properties"][own_id]: candidate["id"]
            for batch in batches(subjects)
            for candidate in self.objects.read_by(own_id, batch, [own_id])
        }

    def _match(self, records: Sequence[DesiredRecord], key: MatchKey, place: int) -> list[DesiredRecord]:
        """Look records up by the values of one key; what several objects match is withheld, the rest is returned."""
        candidates = self._candidates(key, [value for record in records for value in _keys(record)[place]])
        ids: dict[str, str] = {}
        left = []
        for record in records:
            matches = {
                candidate["id"]
                for value in _keys(record)[place]
                for candidate in candidates.get(value, ())
                if not _is_another(candidate, key, record, self.matching)
            }
            if len(matches) > 1:
                listed = ", ".join(sorted(matches, key=lambda id: (len(id), id)))
                name = self.objects.object_type.name
                self._withhold([(record, SEVERAL.format(count=len(matches), name=name, ids=listed))])
                continue
            if matches:
                [ids[record.subject_id]] = matches
            left.append(record)
        return self._identify(left, ids)

    def _candidates(
        self, key: MatchKey, values: Sequence[str], *, archived: bool = False
    ) -> dict[str, list[Candidate]]:
        """The objects in HubSpot by the values of a key that they have."""
        names = [name for name in (key.property, key.further, key.unless_other) if name]
        by_value: dict[str, list[Candidate]] = {}
        for batch in batches(list(dict.fromkeys(values))):
            if key.is_unique:
                candidates = self.objects.read_by(key.property, batch, names, archived=archived)
            else:
                candidates = self.objects.search(key.property, batch, names)
            for candidate in candidates:
                for value in _values(candidate, key.property, key.further):
                    by_value.setdefault(value, []).append(candidate)
        return by_value

    def _without_deleted(self, records: Sequence[DesiredRecord]) -> list[DesiredRecord]:
        """Withhold records whose object somebody deleted in HubSpot; return the rest."""
        label = self.objects.object_type.label
        with self.state.reading() as tx:
            before = written_objects(tx, self.objects.object_type.name, [record.subject_id for record in records])
        deleted: dict[str, str] = {}
        for place, key in enumerate(self.matching.keys):
            if key.is_unique:
                values = [value for record in records for value in _keys(record)[place]]
                archive = self._candidates(key, values, archived=True)
                ids = {value: candidates[0]["id"] for value, candidates in archive.items()}
                deleted |= {each.subject_id: ids[v] for each in records for v in _keys(each)[place] if v in ids}
        left = []
        for record in records:
            former, gone = before.get(record.subject_id), deleted.get(record.subject_id)
            if gone:
                self._withhold([(record, DELETED.format(label=label, id=gone))])
            elif former and former not in self.owners:
                self._withhold([(record, LOST.format(label=label, id=former))])
            else:
                left.append(record)
        return left

    def _withhold(self, records: Iterable[Withheld]) -> None:
        self.resolution.withheld += records


def _keys(record: DesiredRecord) -> tuple[tuple[str, ...], ...]:
    unmatched: Unmatched | None = record.unmatched
    return unmatched.by_key if unmatched else ()


def _values(candidate: Candidate, *names: str | None) -> set[str]:
    """The values of some properties of an object, in lower case; one may hold several."""
    properties = candidate.get("properties") or {}
    texts = [str(properties.get(name) or "") for name in names if name]
    return {part.strip().lower() for text in texts for part in text.split(";") if part.strip()}


def _is_another(candidate: Candidate, key: MatchKey, record: DesiredRecord, matching: Matching) -> bool:
    """Whether an object that has a value of the key shows by another property that it is another one."""
    theirs = _values(candidate, key.unless_other)
    ours = {
        value
        for each, values in zip(matching.keys, _keys(record), strict=True)
        if each.property == key.unless_other
        for value in values
    }
    return bool(theirs and ours and not theirs & ours)
