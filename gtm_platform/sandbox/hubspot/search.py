"""The search: filters in groups, one sort, 200 to a page and never more than 10,000 results."""

from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.hubspot.errors import RefusedError
from gtm_platform.sandbox.hubspot.filters import definition_of, reader, test_of
from gtm_platform.sandbox.hubspot.inputs import Filter, FilterGroup, Search, Sort, body_of
from gtm_platform.sandbox.hubspot.kinds import Kind
from gtm_platform.sandbox.hubspot.objects import kind_in
from gtm_platform.sandbox.hubspot.portal import Portal, is_there
from gtm_platform.sandbox.hubspot.render import Wire, next_page, record_wire
from gtm_platform.sandbox.hubspot.store import HubSpotRecord

MOST_RESULTS = 10_000
MOST_PER_PAGE = 200
MOST_GROUPS, MOST_PER_GROUP, MOST_FILTERS, MOST_SORTS = 5, 6, 18, 1
MOST_QUERY_CHARACTERS = 3_000


async def search(portal: Portal, request: Request) -> Response:
    kind, asked = kind_in(request), await body_of(request, Search)
    _check(asked)
    offset = _offset(asked)
    found = _sorted(portal, kind, asked, _matching(portal, kind, asked))
    end = min(offset + asked.limit, MOST_RESULTS)
    known = portal.definitions(kind)
    body: Wire = {
        "total": len(found),
        "results": [record_wire(kind, record, known, asked.properties or ()) for record in found[offset:end]],
    }
    if end < len(found):
        body["paging"] = next_page(request, str(end))
    return JSONResponse(body)


def _check(asked: Search) -> None:
    groups = [group.filters for group in asked.filter_groups or []]
    too_many = (
        len(groups) > MOST_GROUPS
        or any(len(filters) > MOST_PER_GROUP for filters in groups)
        or sum(map(len, groups)) > MOST_FILTERS
        or len(asked.sorts or []) > MOST_SORTS
    )
    if too_many:
        allowed = f"{MOST_GROUPS} groups, {MOST_PER_GROUP} filters in each, {MOST_FILTERS} in all and {MOST_SORTS} sort"
        raise _problem(f"at most {allowed} are allowed.")
    if not 1 <= asked.limit <= MOST_PER_PAGE:
        raise _problem(f"limit must be from 1 to {MOST_PER_PAGE}, not {asked.limit}.")
    if len(asked.query or "") > MOST_QUERY_CHARACTERS:
        raise _problem(f"query must not exceed {MOST_QUERY_CHARACTERS} characters.")


def _problem(text: str) -> RefusedError:
    return RefusedError(400, f"There was a problem with the request: {text}")


def _offset(asked: Search) -> int:
    text = asked.after or "0"
    if not text.isdigit():
        raise _problem(f"after must be a number, not {text}.")
    if int(text) >= MOST_RESULTS:
        raise _problem(f"paging is limited to the first {MOST_RESULTS} results.")
    return int(text)


def _matching(portal: Portal, kind: Kind, asked: Search) -> list[HubSpotRecord]:
    """All records that match, in the order of their ids."""
    groups = asked.filter_groups or []
    records = [record for record in portal.following(kind, _id_floor(groups)) if is_there(record)]
    if asked.query:
        records = [record for record in records if _mentions(kind, record, asked.query.lower())]
    if not groups:
        return records
    matches = [_passing(portal, kind, records, group.filters) for group in groups]
    if len(matches) == 1:
        return matches[0]
    ids = {record.id for match in matches for record in match}
    return [record for record in records if record.id in ids]


def _id_floor(groups: list[FilterGroup]) -> int:
    """The id below which nothing can match, so that walking by id does not look at the same records again."""
    if len(groups) != 1:
        return 0
    values = [found.value or "" for found in groups[0].filters if _is_id_floor(found)]
    return max((int(value) for value in values if value.isdigit()), default=0)


def _is_id_floor(asked: Filter) -> bool:
    return (asked.property_name, asked.operator) == ("hs_object_id", "GT")


def _passing(
    portal: Portal, kind: Kind, records: list[HubSpotRecord], filters: Iterable[Filter]
) -> list[HubSpotRecord]:
    known = portal.definitions(kind)
    for asked in filters:
        test = test_of(kind, known, asked)
        records = [record for record in records if test(record)]
    return records


def _mentions(kind: Kind, record: HubSpotRecord, query: str) -> bool:
    text = " ".join(record.properties.get(name, "") for name in kind.searched).lower()
    return all(word in text for word in query.split())


def _sorted(portal: Portal, kind: Kind, asked: Search, records: list[HubSpotRecord]) -> list[HubSpotRecord]:
    """In the order asked for, records without a value last; in the order of ids when none is."""
    if not asked.sorts:
        return records
    sort = _sort(asked.sorts[0])
    downwards = sort.direction.upper() in ("DESCENDING", "DESC")
    if sort.property_name == "hs_object_id":
        return records[::-1] if downwards else records
    read = reader(kind, definition_of(portal.definitions(kind), sort.property_name))
    keyed = [(value, record) for record in records if (value := read(record)) is not None]
    keyed.sort(key=_value, reverse=downwards)
    return [record for _, record in keyed] + [record for record in records if read(record) is None]


def _sort(asked: Sort | str) -> Sort:
    """A sort may be given as a name alone, with a minus in front for the other way round."""
    if isinstance(asked, Sort):
        return asked
    direction = "DESCENDING" if asked.startswith("-") else "ASCENDING"
    return Sort.model_validate({"propertyName": asked.removeprefix("-"), "direction": direction})


def _value(keyed: tuple[float | str, HubSpotRecord]) -> Any:
    return keyed[0]
