"""The emulator's addresses, and its rows. Where a text can be empty nothing is null; activities have a date only."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request

from gtm_platform.sandbox.kit.paging import NumberPaging, PageSize
from gtm_platform.sandbox.kit.render import unix_milliseconds
from gtm_platform.sandbox.reodev.access import Limits, api, not_found
from gtm_platform.sandbox.reodev.store import SEGMENTS, ReoAccount, ReoStore, Segment, developer_id
from gtm_platform.sandbox.world.market_signals import Developer, DeveloperAct
from gtm_platform.sandbox.world.names import COUNTRIES
from gtm_platform.sandbox.world.people import Company

Shape = dict[str, Any]
PAGING = NumberPaging(PageSize(100, 100, "page_size"))
ACTIVITY_PAGING = NumberPaging(PageSize(1000, 1000, "page_size"))
_RANGES = ((10, "1-10"), (50, "11-50"), (250, "51-250"), (1000, "251-1000"), (10_000, "1001-10000"))
_DID = {
    "star": ("Starred", ""),
    "fork": ("Forked", ""),
    "issue": ("Opened issue", "/issues/{id}"),
    "pull_request": ("Opened pull request", "/pull/{id}"),
}


class Reo:
    """The handlers."""

    def __init__(self, store: ReoStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def segments(self, _: Request) -> Any:
        """All segments, on whatever page is asked for."""
        rows = [{"id": each.id, "name": each.name, "type": each.type, "owner": "revops"} for each in SEGMENTS]
        return {"data": rows, "total_pages": None, "next_page": None}

    async def segment_accounts(self, request: Request) -> Any:
        """The accounts of a segment."""
        segment = _segment(request, "ACCOUNT")
        accounts = [each for each in self._accounts() if segment.holds(each)]
        return _page(request, [_account(each, segment) for each in accounts], PAGING)

    async def segment_developers(self, request: Request) -> Any:
        """The developers of a segment."""
        segment = _segment(request, "DEVELOPER")
        rows = [_developer(each, d) for each in self._accounts() if segment.holds(each) for d in each.developers]
        return _page(request, rows, PAGING)

    async def account_developers(self, request: Request) -> Any:
        """The developers of an account."""
        account = self._account(request)
        return _page(request, [_developer(account, each) for each in account.developers], PAGING)

    async def account_activities(self, request: Request) -> Any:
        """What the developers of an account did, the newest first."""
        account = self._account(request)
        rows = [_activity(account.company, act) for act in account.acts]
        for developer in account.developers:
            first = min((act for act in account.acts if act.developer.id == developer.id), key=lambda act: act.at)
            rows.append(_copied(account.company, developer, first.at))
        rows.sort(key=lambda row: str(row["activity_date"]), reverse=True)
        return _page(request, rows, ACTIVITY_PAGING)

    def _accounts(self) -> Sequence[ReoAccount]:
        return list(self._store.accounts(self._clock()))

    def _account(self, request: Request) -> ReoAccount:
        account = next((each for each in self._accounts() if each.id == request.path_params["id"]), None)
        if account is None:
            raise not_found()
        return account


def _segment(request: Request, type_: str) -> Segment:
    id_ = request.path_params["id"]
    segment = next((each for each in SEGMENTS if each.id == id_ and each.type == type_), None)
    if segment is None:
        raise not_found()
    return segment


def _page(request: Request, rows: Sequence[Shape], paging: NumberPaging) -> Shape:
    page = paging.page(rows, request.query_params)
    return {"data": page.rows, "total_pages": max(1, -(-len(rows) // paging.size.largest)), "next_page": page.next}


def _account(account: ReoAccount, segment: Segment) -> Shape:
    company, newest, oldest = account.company, account.acts[0], account.acts[-1]
    country = COUNTRIES[company.country]
    return {
        "id": account.id,
        "account_name": company.name,
        "account_domain": company.domain,
        "linkedin": f"https://www.linkedin.com/company/{company.domain.removesuffix('.example')}",
        "industry": company.industry,
        "country": country[0],
        "state": "",
        "city": company.city,
        "employee_count_range": _range(company.size),
        "annual_revenue": "null" if company.number % 3 == 0 else "",
        "founded_year": str(company.born.year),
        "active_developers_count": len(account.developers),
        "developer_activity": "HIGH" if len(account.acts) > 3 else "",
        "activity_score_numeric": min(100, 20 * len(account.acts)),
        "customer_fit": "STRONG" if company.size > 50 else "MODERATE",
        "developer_funnel": "Exploring",
        "preferred_technology": "Python, LangChain",
        "tags": "",
        "agent_tags": "",
        "first_activity_date": f"{oldest.at:%Y-%m-%d}",
        "last_activity_date": f"{newest.at:%Y-%m-%d}",
        "first_activity": unix_milliseconds(oldest.at),
        "latest_activity": unix_milliseconds(newest.at),
        "segment_id": segment.id,
        "segment_name": segment.name,
        "tech_functions_count": {},
        "reo_account_link": f"https://web.reo.dev/dashboard/accounts?orgId={account.id}",
    }


def _developer(account: ReoAccount, developer: Developer) -> Shape:
    acts = [act for act in account.acts if act.developer.id == developer.id]
    first, last = developer.name.split(" ", 1)
    id_ = developer_id(developer)
    return {
        "id": id_,
        "org_id": account.id,
        "developer_name": developer.name,
        "developer_first_name": first,
        "developer_last_name": last,
        "designation": "ML Engineer",
        "developer_business_email": developer.email or "",
        "developer_github": f"https://github.com/{developer.login}",
        "developer_linkedin": "",
        "activity_score": "LOW",
        "activity_score_numeric": 5.5 * len(acts),
        "tags": "",
        "agent_tags": "",
        "first_activity_date": f"{acts[-1].at:%Y-%m-%d}",
        "last_activity_date": f"{acts[0].at:%Y-%m-%d}",
        "first_activity": unix_milliseconds(acts[-1].at),
        "latest_activity_time": unix_milliseconds(acts[0].at),
        "city": account.company.city,
        "state": "",
        "country": COUNTRIES[account.company.country][0],
        "employee_count_range": _range(account.company.size),
        "reo_developer_link": f"https://web.reo.dev/dashboard/developers?devId={id_}",
    }


def _activity(company: Company, act: DeveloperAct) -> Shape:
    did, path = _DID[act.kind]
    url = f"https://github.com/{act.repository}{path.format(id=act.id)}"
    info = {"activity_info": f"{did} {url}", "page": act.repository, "source_url": url}
    return {**_row(company, act.developer, "GITHUB", "GITHUB", act.at), **info, "copied_text": None}


def _copied(company: Company, developer: Developer, at: datetime) -> Shape:
    """Somebody who copied the command that installs the product, the day before their first act."""
    info = {"activity_info": "https://docs.trychroma.com/start", "page": "Start", "source_url": None}
    row = _row(company, developer, "COPY_COMMAND", "PRODUCT_JS", at - timedelta(days=1))
    return {**row, **info, "copied_text": "pip install chromadb"}


def _row(company: Company, developer: Developer, type_: str, source: str, at: datetime) -> Shape:
    return {
        "activity_type": type_,
        "activity_source": source,
        "activity_date": f"{at:%Y-%m-%d}",
        "actor": developer.name,
        "developer_id": developer_id(developer),
        "developer_designation": "ML Engineer",
        "developer_linkedin": "",
        "country": COUNTRIES[company.country][0],
    }


def _range(size: int) -> str:
    return next((text for most, text in _RANGES if size <= most), "10001+")


def app(store: ReoStore, clock: Callable[[], datetime], limits: Limits | None = None) -> Starlette:
    """Reo.dev on this store."""
    reo = Reo(store, clock)
    return api(limits or Limits()).app(
        (
            ("GET", "/segments", reo.segments),
            ("GET", "/segment/{id}/accounts", reo.segment_accounts),
            ("GET", "/segment/{id}/developers", reo.segment_developers),
            ("GET", "/account/{id}/developers", reo.account_developers),
            ("GET", "/account/{id}/activities", reo.account_activities),
        )
    )
