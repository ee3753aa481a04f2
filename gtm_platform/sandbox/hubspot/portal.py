"""The account as the handlers see it: the store, its writes, and the ways to find a record in it quickly."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter

from gtm_platform.sandbox.hubspot.errors import RefusedError
from gtm_platform.sandbox.hubspot.kinds import CONTACTS, Kind
from gtm_platform.sandbox.hubspot.standard import Definition, definitions
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.hubspot.write_log import ACTIONS, Records, of_kind
from gtm_platform.sandbox.kit.cached import Cached
from gtm_platform.sandbox.kit.write_log import Persist, Write, WriteLog

Order = list[tuple[int, str]]  # the ids of one type in numeric order, each as a number and as it is written


@dataclass
class Portal:
    """One portal."""

    store: HubSpotStore
    clock: Callable[[], datetime]
    persist: Persist
    search_lag: timedelta = timedelta()  # for which the search does not show a new record yet
    after_write: Callable[[Write, Records], None] = lambda _write, _records: None
    _orders: dict[str, Cached[HubSpotRecord, Order]] = field(default_factory=dict)

    def do(self, write: Write) -> Records:
        """Do a write, which is persisted before it is answered."""
        records = WriteLog(self.store, self.clock, self.persist, ACTIONS).do(write)
        self.after_write(write, records)
        return records

    def records(self, kind: Kind) -> dict[str, HubSpotRecord]:
        """All records of a type by id, archived and merged ones among them."""
        return of_kind(self.store, kind.name)

    def definitions(self, kind: Kind) -> dict[str, Definition]:
        """The property definitions of a type by name, archived ones among them."""
        return definitions(self.store, kind)

    def following(self, kind: Kind, number: int) -> Iterator[HubSpotRecord]:
        """All records whose id is greater, in the order of ids, archived and merged ones among them."""
        order, records = self._order(kind), self.records(kind)
        start = bisect_right(order, number, key=itemgetter(0))
        return (records[order[place][1]] for place in range(start, len(order)))

    def _order(self, kind: Kind) -> Order:
        if kind.name not in self._orders:
            self._orders[kind.name] = Cached(lambda: self.records(kind).values(), _in_order)
        return self._orders[kind.name]()

    def find(self, kind: Kind, record_id: str, *, archived: bool = False) -> HubSpotRecord | None:
        """The record with this id, or the one it was merged into."""
        records = self.records(kind)
        record = records.get(record_id)
        while record is not None and record.merged_into is not None:
            record = records.get(record.merged_into)
        return record if record is not None and (record.archived is not None) == archived else None

    def find_by(
        self, kind: Kind, property_name: str | None, values: Collection[str], *, archived: bool = False
    ) -> dict[str, HubSpotRecord]:
        """Records by an identifying property, or by id when none is named; each under the value it was sought by."""
        if property_name is None or property_name == "hs_object_id":
            by_id = {value: self.find(kind, value, archived=archived) for value in values}
            return {value: record for value, record in by_id.items() if record is not None}
        self._check_identifying(kind, property_name)
        by_key = self.holders(kind, property_name, {key_of(property_name, value) for value in values}, archived)
        return {value: by_key[key] for value in values if (key := key_of(property_name, value)) in by_key}

    def holders(
        self, kind: Kind, property_name: str, keys: Collection[str], archived: bool = False
    ) -> dict[str, HubSpotRecord]:
        """Who holds these values: one pass over all records, as the world changes them behind our back."""
        secondary = (kind, property_name) == (CONTACTS, "email")
        holders: dict[str, HubSpotRecord] = {}
        for record in self.records(kind).values():
            key = key_of(property_name, record.properties.get(property_name, ""))
            if key in keys and is_shown(record, archived):
                holders[key] = record
            if secondary and "hs_additional_emails" in record.properties and is_shown(record, archived):
                more = record.properties["hs_additional_emails"].lower().split(";")
                holders |= {address: record for address in more if address in keys and address not in holders}
        return holders

    def _check_identifying(self, kind: Kind, property_name: str) -> None:
        definition = self.definitions(kind).get(property_name)
        if definition is None:
            raise RefusedError(400, f'Property "{property_name}" does not exist')
        if not self.is_unique(kind, property_name):
            raise non_unique(kind, property_name)

    def is_unique(self, kind: Kind, property_name: str) -> bool:
        """Whether a value of the property belongs to one record at most."""
        definition = self.definitions(kind).get(property_name, {})
        return (kind, property_name) == (CONTACTS, "email") or bool(definition.get("hasUniqueValue"))


def _in_order(records: Iterable[HubSpotRecord]) -> Order:
    return sorted((int(record.id), record.id) for record in records)


def non_unique(kind: Kind, property_name: str) -> RefusedError:
    """A property whose values do not lead to one record."""
    message = f"Unable to perform update/upsert by non-unique {kind.type_id} property {property_name}"
    return RefusedError(400, message)


def key_of(property_name: str, value: str) -> str:
    """Addresses are the same in any case, other values are not."""
    return value.lower() if property_name == "email" else value


def is_shown(record: HubSpotRecord, archived: bool = False) -> bool:
    """Whether reads show the record, among the archived ones or among the rest."""
    return record.merged_into is None and (record.archived is not None) == archived
