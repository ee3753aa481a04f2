"""How HubSpot's records are asked for: all there are through the lists, what changed through the search."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Any

from gtm_platform.http.errors import CursorLoop
from gtm_platform.http.pages import Page, get_path, get_path_or_none, rows
from gtm_platform.http.pagination import CursorPaging, LastIdPaging
from gtm_platform.ingest.record import with_facts
from gtm_platform.ingest.source import SliceTotal, Stream, Totals, Window
from gtm_platform.sources.hubspot.client import LINKS_READ, SEARCH_PAGE, SYSTEM, HubSpotClient
from gtm_platform.sources.hubspot.links import linked_ids, links_of
from gtm_platform.sources.hubspot.records import (
    Association,
    Company,
    Contact,
    Deal,
    Engagement,
    Owner,
    Stage,
    properties_of,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGES = CursorPaging(next_at=("paging", "next", "after"), send_as="after", rows="results")
BY_ID = LastIdPaging(has_more=("paging", "next", "after"), send_as="after", rows="results")
LONGEST_LIST = 2_000  # characters of properties in a URL, beyond which HubSpot answers 414


@dataclass(frozen=True)
class Objects:
    """A type of CRM object; `modified` is the property that moves with each change."""

    kind: str
    properties: tuple[str, ...]
    modified: str = "hs_lastmodifieddate"

    def __post_init__(self) -> None:
        if sum(len(f"&properties={name}") for name in self.properties) > LONGEST_LIST:
            raise TypeError(f"{self.kind}: a list with so many properties is refused; read fewer, or by batch")

    def pages(self, client: HubSpotClient, window: Window) -> Iterator[Page]:
        """Read all records, or those that changed in the window."""
        return self.all(client) if window.full else self.changed(client, window)

    def all(self, client: HubSpotClient) -> Iterator[Page]:
        """List all records."""
        for page, _ in PAGES.walk(lambda more: client.page(self.kind, self.properties, **more), {}):
            yield page

    def changed(self, client: HubSpotClient, window: Window) -> Iterator[Page]:
        """Search what changed, in the order of ids, each search beginning after the last id.

        So no search ever comes near the 10,000 results at which they end: an import may have changed more than that in
        the same millisecond.
        """
        for page, _ in BY_ID.walk(lambda more: client.search(self.kind, self._search(window, **more)), {}):
            yield self._in_order(page)

    def total(self, client: HubSpotClient, window: Window) -> int:
        """Return how many records changed in the window and not since, by the search's own count."""
        return int(get_path(client.search(self.kind, {**self._search(window), "properties": [], "limit": 1}), "total"))

    def _search(self, window: Window, after: str = "0") -> dict[str, Any]:
        bounds = (
            (self.modified, "GTE", _milliseconds(window.start)),
            (self.modified, "LT", _milliseconds(window.end)),
            ("hs_object_id", "GT", after),
        )
        filters = [{"propertyName": name, "operator": operator, "value": value} for name, operator, value in bounds]
        return {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": list(self.properties),
            "limit": SEARCH_PAGE,
        }

    def _in_order(self, page: Page) -> Page:
        """The page itself. From one in another order one cannot go on after its last id without missing some."""
        ids = [int(key) for raw in page if (key := str(get_path_or_none(raw, "id"))).isdigit()]
        if ids != sorted(set(ids)):
            raise CursorLoop(SYSTEM, f"The search for {self.kind} is not in the order of ids: not read on.")
        return page


def _milliseconds(moment: datetime) -> str:
    return str((moment - EPOCH) // timedelta(milliseconds=1))


CONTACTS = Objects("contacts", properties_of(Contact), modified="lastmodifieddate")
COMPANIES = Objects("companies", properties_of(Company))
DEALS = Objects("deals", properties_of(Deal))
LEAD_SOURCE = "lead_source"
HISTORIES_READ = 50  # objects at most whose values of the past HubSpot tells in one answer
WITH_WHOM = {"contact_ids": "contacts", "company_ids": "companies", "deal_ids": "deals"}
LINKED = ((CONTACTS, ("companies",)), (DEALS, ("companies", "contacts")))


def _engagements(kind: str, names: Sequence[str]) -> Objects:
    """Asked for the properties that all engagements have, and for those of its own kind."""
    kinds = ("note", "call", "meeting", "email", "task")
    foreign = tuple(f"hs_{other}_" for other in kinds if other != kind)
    return Objects(f"{kind}s", tuple(name for name in names if not name.startswith(foreign)))


ENGAGEMENTS = {
    kind: _engagements(kind, properties_of(Engagement)) for kind in ("note", "call", "meeting", "email", "task")
}


def companies(client: HubSpotClient, window: Window) -> Iterator[Page]:
    """Read companies, each with what set its lead source: this platform writes that, and so may a person."""
    for page in COMPANIES.pages(client, window):
        by = _set_by(client, [str(get_path_or_none(raw, "id")) for raw in page if _value(raw, LEAD_SOURCE)])
        yield [with_facts(raw, lead_source_set_by=by.get(str(get_path_or_none(raw, "id")))) for raw in page]


def _set_by(client: HubSpotClient, ids: Sequence[str]) -> dict[str, Any]:
    """Return of each company what set its lead source last; the newest value comes first."""
    remaining, by = iter(ids), dict[str, Any]()
    while batch := list(islice(remaining, HISTORIES_READ)):
        for record in rows(client.histories(COMPANIES.kind, batch, [LEAD_SOURCE]), "results"):
            changes = get_path_or_none(record, "propertiesWithHistory", LEAD_SOURCE)
            newest = changes[0] if isinstance(changes, list) and changes else {}
            by[str(get_path_or_none(record, "id"))] = newest.get("sourceType")
    return by


def _value(raw: bytes, name: str) -> Any:
    return get_path_or_none(raw, "properties", name)


def engagements(client: HubSpotClient, window: Window) -> Iterator[Page]:
    """Read engagements of every kind, each with its kind and with whom it was beside it."""
    for kind, objects in ENGAGEMENTS.items():
        records = chain.from_iterable(objects.pages(client, window))
        while batch := list(islice(records, LINKS_READ)):
            yield _with_whom(client, kind, objects, batch)


def _with_whom(client: HubSpotClient, kind: str, objects: Objects, batch: Page) -> Page:
    keys = [str(get_path_or_none(raw, "id")) for raw in batch]
    ids = list(dict.fromkeys(key for key in keys if key.isdigit()))
    linked = {fact: linked_ids(client, objects.kind, target, ids) if ids else {} for fact, target in WITH_WHOM.items()}
    return [
        with_facts(raw, engagement_type=kind, **{fact: of.get(key, []) for fact, of in linked.items()})
        for key, raw in zip(keys, batch, strict=True)
    ]


def associations(client: HubSpotClient, window: Window) -> Iterator[Page]:
    """Read those of all records that changed: links alone do not change a record."""
    for objects, targets in LINKED:
        touched = chain.from_iterable(replace(objects, properties=(objects.modified,)).pages(client, window))
        while batch := list(islice(touched, LINKS_READ)):
            named = (
                (get_path_or_none(raw, "id"), get_path_or_none(raw, "properties", objects.modified)) for raw in batch
            )
            changed = {str(key): moment for key, moment in named if key}
            for target in targets:
                yield links_of(client, objects.kind, target, changed)


def owners(client: HubSpotClient, _window: Window) -> Iterator[Page]:
    """List the owners, deactivated ones too: records keep pointing at them."""
    for first in ({"archived": False}, {"archived": True}):
        for page, _ in PAGES.walk(lambda params: client.owners(**params), first):
            yield page


def stages(client: HubSpotClient, _window: Window) -> Iterator[Page]:
    """List the stages of the deal pipelines, each with its pipeline beside it."""
    for pipeline in rows(client.pipelines("deals"), "results"):
        facts = {"pipeline_id": get_path(pipeline, "id"), "pipeline_label": get_path(pipeline, "label")}
        yield [with_facts(stage, **facts) for stage in rows(pipeline, "stages")]


def totals_of(*kinds: Objects) -> Totals:
    """Return how records of some kinds are counted together."""

    def count(client: HubSpotClient, window: Window) -> SliceTotal:
        return SliceTotal(window.start, window.end, sum(kind.total(client, window) for kind in kinds))

    return Totals(count, f"`total` of a search by `{kinds[0].modified}`")


STREAMS = (
    Stream("contacts", Contact, CONTACTS.pages, cursor_field="updated_at", totals=totals_of(CONTACTS)),
    Stream("companies", Company, companies, cursor_field="updated_at", totals=totals_of(COMPANIES)),
    Stream("deals", Deal, DEALS.pages, cursor_field="updated_at", totals=totals_of(DEALS)),
    Stream("owners", Owner, owners, sync_mode="full_refresh"),
    Stream("pipelines", Stage, stages, sync_mode="full_refresh", key=("pipeline_id", "stage_id")),
    Stream(
        "engagements",
        Engagement,
        engagements,
        key=("type", "id"),
        cursor_field="updated_at",
        totals=totals_of(*ENGAGEMENTS.values()),
    ),
    Stream(
        "associations",
        Association,
        associations,
        key=("from_type", "from_id", "to_type"),
        cursor_field="changed_at",
        totals="Links are only read record by record, and nothing counts them.",
    ),
)
