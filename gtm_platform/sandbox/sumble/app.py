"""The emulator's addresses. Every call costs credits, and is refused where too few are left."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from starlette.applications import Starlette
from starlette.requests import Request

from gtm_platform.sandbox.kit.api import json_object
from gtm_platform.sandbox.kit.paging import OffsetPaging, Page, PageSize
from gtm_platform.sandbox.sumble import catalogue, render
from gtm_platform.sandbox.sumble.access import Limits, SumbleError, api, expect_members, invalid
from gtm_platform.sandbox.sumble.search_query import parse
from gtm_platform.sandbox.sumble.store import Post, SumbleStore
from gtm_platform.sandbox.world.people import Company

Shape = dict[str, Any]
PREFIX = "/v9"
PAGING = OffsetPaging(PageSize(default=10, largest=200), reachable=10_001)
_MOST_LISTED = 1000


class Sumble:
    """The handlers."""

    def __init__(self, store: SumbleStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def jobs(self, request: Request) -> Any:
        """Job posts: those that match a query, or those of a list of ids."""
        body = await json_object(request)
        expect_members(body, ("jobs", "filter", "select", "limit", "offset"))
        attributes = _selected(body, render.JOB_ATTRIBUTES)
        price = 1 + len(render.PAID_JOB_ATTRIBUTES.intersection(attributes))
        by_id = _is_listed(body, "jobs")
        posts = list(self._store.posts(self._clock()))
        if by_id:
            return self._jobs_by_id(request, body["jobs"], posts, attributes, price)
        filter_ = body["filter"]
        expect_members(filter_, ("organization_ids", "organization_list_id", "query"), "filter")
        posts = _filtered(posts, filter_, self._clock())
        page = _page(posts, body)
        rows = [render.job(post, attributes) for post in page.rows]
        return self._answer(request, price * len(rows), jobs=rows, total=len(posts))

    def _jobs_by_id(
        self, request: Request, listed: Sequence[Shape], posts: Sequence[Post], attributes: Sequence[str], price: int
    ) -> Any:
        by_id = {post.job.id: post for post in posts}
        rows = []
        for each in listed:
            post = by_id.get(each.get("job_id", 0))
            rows.append({"input": each, **(render.job(post, attributes) if post else {})})
        matched = sum("job_id" in row for row in rows)
        return self._answer(request, price * matched, jobs=rows, total=len(rows), matched_count=matched)

    async def organizations(self, request: Request) -> Any:
        """Organisations: those of a list of ids, names or addresses, or those whose posts match a query."""
        body = await json_object(request)
        expect_members(body, ("organizations", "filter", "select", "limit", "offset"))
        attributes = _selected(body, render.ORGANIZATION_ATTRIBUTES)
        price = 1 + len(set(attributes) - render.FREE_ORGANIZATION_ATTRIBUTES)
        posts = list(self._store.posts(self._clock()))
        counts = Counter(post.company.number for post in posts)

        def row(company: Company, **more: Any) -> Shape:
            shown = render.organization(company, counts[company.number], attributes)
            return {**more, "attributes": shown, "entities": []}

        if _is_listed(body, "organizations"):
            companies = [each.company for each in self._store.market.companies(self._clock())]
            matches = [(each, _matching(each, companies)) for each in body["organizations"]]
            rows = [row(c, input=i) if c else {"input": i, "attributes": {}, "entities": []} for i, c in matches]
            matched = sum(company is not None for _, company in matches)
            return self._answer(request, price * matched, organizations=rows, total=len(rows), matched_count=matched)
        expect_members(body["filter"], ("query",), "filter")
        test = parse(str(body["filter"].get("query")), self._clock())
        companies = list({post.company.number: post.company for post in posts if test(post)}.values())
        shown = _page(companies, body)
        rows = [row(company) for company in shown.rows]
        return self._answer(request, price * len(rows), organizations=rows, total=len(companies))

    async def technologies(self, request: Request) -> Any:
        """Technologies by their slugs."""
        body = await json_object(request)
        expect_members(body, ("technologies",))
        slugs = _texts(body, "technologies")
        results = [{"input": slug, "technology": catalogue.technology(slug)} for slug in slugs]
        matched = sum(each["technology"] is not None for each in results)
        return self._answer(request, 1, results=results, matched_count=matched)

    async def categories(self, request: Request) -> Any:
        """Categories by their slugs, each with its technologies."""
        body = await json_object(request)
        expect_members(body, ("technology_categories",))
        results = [{"input": slug, "category": _category(slug)} for slug in _texts(body, "technology_categories")]
        matched = sum(each["category"] is not None for each in results)
        return self._answer(request, 1, results=results, matched_count=matched)

    async def find_technologies(self, request: Request) -> Any:
        """Technologies whose name has a text in it, each with its number of posts."""
        body = await json_object(request)
        expect_members(body, ("query",))
        posts = list(self._store.posts(self._clock()))
        counts = Counter(slug for post in posts for slug, _ in post.job.technologies)
        names = {slug: name for slug, name in catalogue.NAMES.items() if str(body.get("query", "")).lower() in slug}
        rows = [{"slug": slug, "name": name, "count": counts[slug]} for slug, name in names.items()]
        return self._answer(request, 0, technologies=rows, total_count=len(rows))

    def _answer(self, request: Request, cost: int, **content: Any) -> Shape:
        """Charge for an answer and return it."""
        if cost > self._store.credits or not self._store.credits:
            raise SumbleError(402, "You are out of credits.")
        self._store.credits -= cost
        id_ = str(uuid5(NAMESPACE_URL, f"sumble:{request.state.number}"))
        return {"id": id_, "credits_used": cost, "credits_remaining": self._store.credits, **content}


def _selected(body: Mapping[str, Any], attributes: Sequence[str]) -> Sequence[str]:
    if not isinstance(body.get("select"), dict):
        raise invalid("select", "Field required", "missing")
    expect_members(body["select"], ("attributes", "entities", "related_people"), "select")
    selected = body["select"].get("attributes", [])
    if selected == "all":
        return attributes
    if unknown := set(selected) - set(attributes):
        raise invalid("select.attributes", f"Input should be one of the attributes, not {min(unknown)}", "enum")
    return list(selected)


def _is_listed(body: Mapping[str, Any], name: str) -> bool:
    """Whether a list of records is asked for, and not what matches a filter: exactly one of both has to be there."""
    listed, filter_ = body.get(name), body.get("filter")
    if (listed is None) == (filter_ is None):
        raise invalid("", f"Exactly one of {name} or filter must be provided")
    if listed is not None and not 1 <= len(listed) <= _MOST_LISTED:
        raise invalid(name, f"List should have from 1 to {_MOST_LISTED} items", "too_long")
    if filter_ is not None and not isinstance(filter_, dict):
        raise invalid("filter", "Input should be a valid dictionary", "dict_type")
    return listed is not None


def _filtered(posts: Sequence[Post], filter_: Mapping[str, Any], now: datetime) -> list[Post]:
    if (ids := filter_.get("organization_ids")) is not None:
        posts = [post for post in posts if post.company.number in ids]
    query = filter_.get("query")
    if query is None:
        return list(posts)
    if not isinstance(query, dict) or set(query) != {"query"}:
        raise invalid("filter.query", "Input should be a valid dictionary with a query", "dict_type")
    test = parse(str(query["query"]), now)
    return [post for post in posts if test(post)]


def _page(rows: Sequence[Any], body: Mapping[str, Any]) -> Page[Any]:
    return PAGING.page(rows, body)


def _matching(row: Mapping[str, Any], companies: Sequence[Company]) -> Company | None:
    """The organisation that a row of a list means: by its number, its slug, its address or its name."""
    expect_members(row, ("id", "slug", "name", "url", "location"), "organizations")
    site = str(row.get("url") or "").lower().partition("://")[-1] or str(row.get("url") or "").lower()
    host = site.removeprefix("www.").partition("/")[0]
    for company in companies:
        if row.get("id") == company.number or row.get("slug") == render.slug_of(company):
            return company
        if host == company.domain or row.get("name") == company.name:
            return company
    return None


def _texts(body: Mapping[str, Any], name: str) -> list[str]:
    values = body.get(name)
    if not isinstance(values, list) or not values:
        raise invalid(name, "Field required", "missing")
    return [str(value) for value in values]


def _category(slug: str) -> Shape | None:
    if slug not in catalogue.CATEGORIES:
        return None
    technologies = [catalogue.short(each) for each in catalogue.CATEGORIES[slug][2]]
    return {**catalogue.category(slug), "technologies": technologies}


def app(store: SumbleStore, clock: Callable[[], datetime], limits: Limits | None = None) -> Starlette:
    """Sumble on this store."""
    sumble = Sumble(store, clock)
    return api(limits or Limits()).app(
        (
            ("POST", f"{PREFIX}/jobs", sumble.jobs),
            ("POST", f"{PREFIX}/organizations", sumble.organizations),
            ("POST", f"{PREFIX}/technologies/lookup", sumble.technologies),
            ("POST", f"{PREFIX}/technologies/find", sumble.find_technologies),
            ("POST", f"{PREFIX}/technologies/categories/lookup", sumble.categories),
        )
    )
