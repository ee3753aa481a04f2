"""Wire shapes of companies, how many users each has, and the scroll over all of them."""

from collections import Counter
from collections.abc import Callable

from gtm_platform.sandbox.intercom.contacts import visible
from gtm_platform.sandbox.intercom.errors import IntercomError, not_found
from gtm_platform.sandbox.intercom.store import IntercomCompany, IntercomStore
from gtm_platform.sandbox.intercom.wire import WORKSPACE, Shape, seconds

SCROLL_PAGE = 100


def users_by_company(store: IntercomStore) -> Counter[str]:
    return Counter(each for contact in store.contacts.values() if visible(contact) for each in contact.companies)


def company(record: IntercomCompany, users: int, tag_names: dict[str, str]) -> Shape:
    shape = {
        "type": "company",
        "id": record.id,
        "company_id": record.company_id,
        "app_id": WORKSPACE,
        "name": record.name,
        "plan": {"type": "plan", "id": record.plan, "name": record.plan} if record.plan else {},
        "remote_created_at": seconds(record.created),
        "created_at": seconds(record.created),
        "updated_at": seconds(record.updated),
        "monthly_spend": record.monthly_spend,
        "session_count": record.session_count,
        "user_count": users,
        "tags": {
            "type": "tag.list",
            "tags": [{"type": "tag", "id": each, "name": tag_names.get(each, each)} for each in record.tags],
        },
        "segments": {"type": "segment.list", "segments": []},
        "custom_attributes": dict(record.custom_attributes),
    }
    known = {
        "last_request_at": seconds(record.last_request),
        "size": record.size,
        "website": record.website,
        "industry": record.industry,
    }
    return shape | {name: value for name, value in known.items() if value is not None}


class Scroll:
    """The one scroll a workspace may have open; it closes at its end, or when it is left alone for too long."""

    def __init__(self, store: IntercomStore, idle: float, now: Callable[[], float]) -> None:
        self._store = store
        self._idle = idle
        self._now = now
        self._opened = 0
        self._rest: list[IntercomCompany] | None = None
        self._users: Counter[str] = Counter()
        self._touched = 0.0

    def next(self, parameter: str | None) -> Shape:
        if self._now() - self._touched >= self._idle:
            self._rest = None
        if parameter is None:
            self._open()
        elif self._rest is None or parameter != self._parameter:
            raise not_found("scroll parameter not found")
        return self._page()

    @property
    def _parameter(self) -> str:
        return f"00000000-0000-4000-9000-{self._opened:012d}"

    def _open(self) -> None:
        if self._rest is not None:
            raise IntercomError(400, "scroll_exists", "scroll already exists for this workspace")
        self._opened += 1
        self._rest = list(self._store.companies.values())
        self._users = users_by_company(self._store)

    def _page(self) -> Shape:
        rows = (self._rest or [])[:SCROLL_PAGE]
        self._rest = (self._rest or [])[SCROLL_PAGE:] if rows else None
        self._touched = self._now()
        return {
            "type": "list",
            "data": [company(row, self._users[row.id], self._store.tags) for row in rows],
            "pages": None,
            "total_count": None,
            "scroll_param": self._parameter,
        }
