"""What records are linked with: the associations of up to 1,000 records, made into one row for each of them."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from gtm_platform.http.errors import CursorLoop, InvalidResponse
from gtm_platform.http.pages import Page, get_path
from gtm_platform.http.pagination import REPEATS
from gtm_platform.sources.hubspot.client import SYSTEM, HubSpotClient


class Kind(msgspec.Struct, rename="camel"):
    type_id: int
    label: str | None = None
    category: str | None = None


class Target(msgspec.Struct, rename="camel"):
    to_object_id: int | str  # the schema says text, live answers hold numbers
    association_types: list[Kind]


class Start(msgspec.Struct):
    id: str


class Found(msgspec.Struct):
    start: Start = msgspec.field(name="from")
    to: list[Target] = []
    paging: dict[str, dict[str, str]] | None = None

    @property
    def after(self) -> str | None:
        return ((self.paging or {}).get("next") or {}).get("after")


class Link(msgspec.Struct, frozen=True):
    to_id: str
    type_id: int
    label: str | None
    category: str | None


def links_of(client: HubSpotClient, source: str, target: str, moved: Mapping[str, str]) -> Page:
    """A row for each record of `moved` (id: when it last changed), without links where it has none."""
    links: dict[str, dict[Link, None]] = {key: {} for key in moved}  # what came twice is kept once
    asked = [{"id": key} for key in moved]
    seen: Counter[tuple[str, str]] = Counter()
    while asked:
        answer = _found(client.links(source, target, asked))
        for found in answer:
            links[found.start.id].update(dict.fromkeys(_links(found)))
        following = [(found.start.id, found.after) for found in answer if found.after]
        seen.update(following)
        if following and max(seen.values()) > 1 + REPEATS:
            what = f"The associations of {source} with {target} do not advance: a cursor came again and again."
            raise CursorLoop(SYSTEM, what)
        asked = [{"id": key, "after": after} for key, after in following]
    told = {"from_type": source, "to_type": target}
    return [
        msgspec.json.encode({**told, "from_id": key, "moved_at": moment, "links": list(links[key])})
        for key, moment in moved.items()
    ]


def _found(body: bytes) -> list[Found]:
    try:
        return msgspec.convert(get_path(body, "results") or [], list[Found])
    except msgspec.ValidationError as error:
        raise InvalidResponse(SYSTEM, f"{SYSTEM}'s answer about associations is of another shape: {error}.") from None


def _links(found: Found) -> list[Link]:
    return [
        Link(str(target.to_object_id), kind.type_id, kind.label, kind.category)
        for target in found.to
        for kind in target.association_types
    ]
