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
from gtm_platform.sandbox.hubspot.portal import Portal, is_shown
from gtm_platform.sandbox.hubspot.render import page_wire, record_wire
from gtm_platform.sandbox.hubspot.store import HubSpotRecord
from gtm_platform.sandbox.kit.errors import BadParameterError
from gtm_platform.sandbox.kit.paging import OffsetPaging, PageSize

PAGING = OffsetPaging(PageSize(default=10, largest=200), parameter="after", reachable=10_000)
MOST_GROUPS, MOST_PER_GROUP, MOST_FILTERS, MOST_SORTS = 5, 6, 18, 1
MOST_QUERY_CHARACTERS = 3_000


async def search(portal: Portal, request: Request) -> Response:
    """A page of the records that match."""
    kind, body = kind_in(request), await body_of(request, Search)
    _check(body)
    records = _sorted(portal, kind, body, _matching(portal, kind, body))
    try:
        page = PAGING.page(records, {"after": body.after, "limit": body.limit})
    except BadParameterError as problem:
        raise _problem(problem.message) from problem
    defined = portal.definitions(kind)
    results = [
        record_wire(kind, record, defined, portal.store.portal_id, body.properties or ()) for record in page.rows
    ]
    return JSONResponse(page_wire(request, results, page, total=len(records)))


def _check(body: Search) -> None:
    groups = [group.filters for group in body.filter_groups or []]
    too_many = (
        len(groups) > MOST_GROUPS
        or any(len(filters) > MOST_PER_GROUP for filters in groups)
        or sum(map(len, groups)) > MOST_FILTERS
        or len(body.sorts or []) > MOST_SORTS
    )
    if too_many:
        allowed = f"{MOST_GROUPS} groups, {MOST_PER_GROUP} filters in each, {MOST_FILTERS} in all and {MOST_SORTS} sort"
        raise _problem(f"at most {allowed} are allowed.")
    if len(body.query or "") > MOST_QUERY_CHARACTERS:
        raise _problem(f"query must not exceed {MOST_QUERY_CHARACTERS} characters.")


def _problem(text: str) -> RefusedError:
    return RefusedError(400, f"There was a problem with the request: {text}")


def _matching(portal: Portal, kind: Kind, body: Search) -> list[HubSpotRecord]:
    """All records that match, in the order of their ids."""
    groups = body.filter_groups or []
    indexed = portal.clock() - portal.search_lag
    records = [each for each in portal.following(kind, _id_floor(groups)) if is_shown(each) and each.created <= indexed]
    if body.query:
        records = [record for record in records if _mentions(kind, record, body.query.lower())]
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
    values = [condition.value or "" for condition in groups[0].filters if _is_id_floor(condition)]
    return max((int(value) for value in values if value.isdigit()), default=0)


def _is_id_floor(condition: Filter) -> bool:
    return (condition.property_name, condition.operator) == ("hs_object_id", "GT")


def _passing(
    portal: Portal, kind: Kind, records: list[HubSpotRecord], filters: Iterable[Filter]
) -> list[HubSpotRecord]:
    defined = portal.definitions(kind)
    for condition in filters:
        test = test_of(kind, defined, condition)
        records = [record for record in records if test(record)]
    return records


def _mentions(kind: Kind, record: HubSpotRecord, query: str) -> bool:
    text = " ".join(record.properties.get(name, "") for name in kind.searched).lower()
    return all(word in text for word in query.split())


def _sorted(portal: Portal, kind: Kind, body: Search, records: list[HubSpotRecord]) -> list[HubSpotRecord]:
    """In the order of the sort, records without a value last; in the order of ids without a sort."""
    if not body.sorts:
        return records
    sort = _sort(body.sorts[0])
    downwards = sort.direction.upper() in ("DESCENDING", "DESC")
    if sort.property_name == "hs_object_id":
        return records[::-1] if downwards else records
    read = reader(kind, definition_of(portal.definitions(kind), sort.property_name))
    keyed = [(value, record) for record in records if (value := read(record)) is not None]
    keyed.sort(key=_value, reverse=downwards)
    return [record for _, record in keyed] + [record for record in records if read(record) is None]


def _sort(sort: Sort | str) -> Sort:
    """A sort may be given as a name alone, with a minus in front for the other way round."""
    if isinstance(sort, Sort):
        return sort
    direction = "DESCENDING" if sort.startswith("-") else "ASCENDING"
    return Sort.model_validate({"propertyName": sort.removeprefix("-"), "direction": direction})


def _value(keyed: tuple[float | str, HubSpotRecord]) -> Any:
    return keyed[0]
