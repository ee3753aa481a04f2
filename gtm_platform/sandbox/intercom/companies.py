"""Wire shapes of companies, how many users each has, and the scroll over all of them."""

from collections import Counter
from collections.abc import Callable, Mapping

from gtm_platform.sandbox.intercom.contacts import visible
from gtm_platform.sandbox.intercom.errors import IntercomError, not_found
from gtm_platform.sandbox.intercom.store import IntercomCompany, IntercomStore
from gtm_platform.sandbox.intercom.wire import Shape
from gtm_platform.sandbox.kit.errors import BadParameterError
from gtm_platform.sandbox.kit.paging import ScrollPaging
from gtm_platform.sandbox.kit.render import unix_seconds

SCROLL_PAGE = 100


def users_by_company(store: IntercomStore) -> Counter[str]:
    """How many visible contacts each company has."""
    return Counter(each for contact in store.contacts.values() if visible(contact) for each in contact.companies)


def company(record: IntercomCompany, users: int, store: IntercomStore) -> Shape:
    """The wire shape of a company; what it does not have is left out."""
    shape = {
        "type": "company",
        "id": record.id,
        "company_id": record.company_id,
        "app_id": store.workspace_id,
        "name": record.name,
        "plan": {"type": "plan", "id": record.plan, "name": record.plan} if record.plan else {},
        "remote_created_at": unix_seconds(record.created),
        "created_at": unix_seconds(record.created),
        "updated_at": unix_seconds(record.updated),
        "monthly_spend": record.monthly_spend,
        "session_count": record.session_count,
        "user_count": users,
        "tags": {
            "type": "tag.list",
            "tags": [{"type": "tag", "id": each, "name": store.tags.get(each, each)} for each in record.tags],
        },
        "segments": {"type": "segment.list", "segments": []},
        "custom_attributes": dict(record.custom_attributes),
    }
    optional = {
        "last_request_at": unix_seconds(record.last_request),
        "size": record.size,
        "website": record.website,
        "industry": record.industry,
    }
    return shape | {name: value for name, value in optional.items() if value is not None}


class Scroll:
    """The one scroll that a workspace may have open."""

    def __init__(self, store: IntercomStore, idle: float, now: Callable[[], float]) -> None:
        self._store = store
        self._paging: ScrollPaging[IntercomCompany] = ScrollPaging(SCROLL_PAGE, idle, now=now)
        self._users: Counter[str] = Counter()

    def page(self, parameters: Mapping[str, str]) -> Shape:
        """The next page of the scroll, or the first one of a new scroll; an empty page ends it."""
        if "scroll_param" not in parameters:
            self._open()
        try:
            page = self._paging.page(self._store.companies.values(), parameters)
        except BadParameterError:
            raise not_found("scroll parameter not found") from None
        return {
            "type": "list",
            "data": [company(row, self._users[row.id], self._store) for row in page.rows],
            "pages": None,
            "total_count": None,
            "scroll_param": page.next or parameters.get("scroll_param"),
        }

    def _open(self) -> None:
        if self._paging.is_open:
            raise IntercomError(400, "scroll already exists for this workspace", code="scroll_exists")
        self._users = users_by_company(self._store)
