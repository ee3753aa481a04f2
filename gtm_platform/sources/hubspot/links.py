"""What records are linked with: the associations of up to 1,000 records, for each of them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gtm_platform.http.errors import CursorLoop, InvalidResponse
from gtm_platform.http.pages import Page, rows
from gtm_platform.http.pagination import REPEATS
from gtm_platform.ingest.record import with_facts
from gtm_platform.sources.hubspot.client import SYSTEM, HubSpotClient


class Kind(msgspec.Struct, rename="camel"):
    """The type of a link."""

    type_id: int
    label: str | None = None
    category: str | None = None


class Target(msgspec.Struct, rename="camel"):
    """A record at the other end, and how it is linked."""

    to_object_id: int | str  # the schema says text, live answers hold numbers
    association_types: list[Kind]


class Start(msgspec.Struct):
    """The record at this end."""

    id: str


class Linked(msgspec.Struct):
    """What one record is linked with, or a part of it."""

    start: Start = msgspec.field(name="from")
    to: list[Target] = []
    paging: dict[str, dict[str, str]] | None = None

    @property
    def after(self) -> str | None:
        """The cursor of what follows, if anything does."""
        return ((self.paging or {}).get("next") or {}).get("after")


class Link(msgspec.Struct, frozen=True):
    """A link as it is stored."""

    to_id: str
    type_id: int
    label: str | None
    category: str | None


def links_of(client: HubSpotClient, source: str, target: str, changed: Mapping[str, str]) -> Page:
    """Make a row for each record of `changed` (id: time of its last change), also without any links.

    As received is what the first answer says of the record; the links of long lists come from several.
    """
    received, links = _read(client, source, target, changed)
    facts = {"from_type": source, "to_type": target}
    return [
        with_facts(received.get(key, b""), **facts, from_id=key, changed_at=moment, links=links[key])
        for key, moment in changed.items()
    ]


def linked_ids(client: HubSpotClient, source: str, target: str, ids: Sequence[str]) -> dict[str, list[str]]:
    """Return with which records of a kind each of up to 1,000 records is linked, in whatever way."""
    links = _read(client, source, target, ids)[1]
    return {key: list(dict.fromkeys(link.to_id for link in each)) for key, each in links.items()}


def _read(
    client: HubSpotClient, source: str, target: str, ids: Iterable[str]
) -> tuple[dict[str, bytes], dict[str, list[Link]]]:
    """Return of each record what the first answer says of it, and its links."""
    inputs = [{"id": key} for key in ids]
    links: dict[str, dict[Link, None]] = {record["id"]: {} for record in inputs}  # what came twice is kept once
    received: dict[str, bytes] = {}
    seen: Counter[tuple[str, str]] = Counter()
    while inputs:
        answer = [(raw, _linked(raw)) for raw in rows(client.links(source, target, inputs), "results")]
        for raw, linked in answer:
            received.setdefault(linked.start.id, raw)
            links[linked.start.id].update(dict.fromkeys(_links(linked)))
        following = [(linked.start.id, linked.after) for _, linked in answer if linked.after]
        seen.update(following)
        if following and max(seen.values()) > 1 + REPEATS:
            what = f"The associations of {source} with {target} do not advance: a cursor came again and again."
            raise CursorLoop(SYSTEM, what)
        inputs = [{"id": key, "after": after} for key, after in following]
    return received, {key: list(each) for key, each in links.items()}


def _linked(raw: bytes) -> Linked:
    try:
        return msgspec.json.decode(raw, type=Linked)
    except msgspec.ValidationError as error:
        raise InvalidResponse(SYSTEM, f"{SYSTEM}'s answer about associations is of another shape: {error}.") from None


def _links(linked: Linked) -> list[Link]:
    return [
        Link(str(target.to_object_id), kind.type_id, kind.label, kind.category)
        for target in linked.to
        for kind in target.association_types
    ]
