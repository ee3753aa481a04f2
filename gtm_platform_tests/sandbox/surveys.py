"""A small emulator of a survey tool, as one package of the sandbox: the tests put it there and serve it.

It shows what a new system needs: a store, its key, limits and errors, its addresses, and the value `EMULATOR`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.kit.api import Api, json_object
from gtm_platform.sandbox.kit.authentication import Authentication, basic_user, header, query_parameter
from gtm_platform.sandbox.kit.emulator import Emulator, PageLink
from gtm_platform.sandbox.kit.errors import ApiError, Errors
from gtm_platform.sandbox.kit.filters import among, compared, contains, equals, is_flag, matching
from gtm_platform.sandbox.kit.limits import Limit, Rate, RateHeaders
from gtm_platform.sandbox.kit.paging import (
    CursorPaging,
    LastIdPaging,
    NumberPaging,
    OffsetPaging,
    PageSize,
    ScrollPaging,
)
from gtm_platform.sandbox.kit.render import as_json, decimal_text, iso_seconds, unix_seconds
from gtm_platform.sandbox.kit.write_log import Persist, Write, WriteLog, discard, replay

KEY = "survey-key"
RATE = Rate(20, 60)
OPENED = datetime(2026, 1, 1, tzinfo=UTC)


# --- the store, and what a write does to it ------------------------------------------------------------------------


@dataclass
class Answer:
    id: str
    email: str
    score: int
    at: datetime
    comment: str = ""
    tags: list[str] = field(default_factory=list)


@dataclass
class SurveyStore:
    answers: dict[str, Answer] = field(default_factory=dict)


def new_store(people: int) -> SurveyStore:
    """Nobody's world fills this store: it makes its own answers, one of each person."""
    answers = (
        Answer(f"ans_{n:03}", f"p{n}@acme.example", n % 11, OPENED + n * timedelta(hours=1)) for n in range(people)
    )
    return SurveyStore({answer.id: answer for answer in answers})


def _add(store: SurveyStore, write: Write, at: datetime) -> Answer:
    answer = Answer(f"ans_{len(store.answers):03}", write["email"], write["score"], at)
    store.answers[answer.id] = answer
    return answer


ACTIONS = {"add": _add}


# --- key, limits and errors ----------------------------------------------------------------------------------------


class SurveyError(ApiError):
    """The tool's error shape."""

    def body(self, request_number: int) -> Any:
        return {"errors": [{"title": self.message, "code": self.code, "source": self.field}], "request": request_number}


def api(limit: Limit) -> Api:
    """The key in a header, as the user of basic authentication or in the query; one limit for all calls."""
    headers = RateHeaders("X-Limit", "X-Remaining", "X-Reset", "Retry-After")
    return Api(
        Authentication(KEY, (header("X-Api-Key"), basic_user, query_parameter("api_key"))),
        Errors(SurveyError),
        limits=lambda _: {"minute": limit},
        headers=lambda _request, _status: headers.of(limit),
    )


# --- addresses -----------------------------------------------------------------------------------------------------

FILTERS = {
    "email": equals(lambda answer: answer.email),
    "score": among(lambda answer: answer.score),
    "since": compared("GTE", lambda answer: answer.at),
    "until": compared("LT", lambda answer: answer.at),
    "mentions": contains(lambda answer: answer.email),
    "promoter": is_flag(lambda answer: answer.score >= 9),
}
SIZE = PageSize(default=4, largest=10)
CURSOR, LAST_ID, NUMBER, OFFSET = CursorPaging(SIZE), LastIdPaging(SIZE), NumberPaging(SIZE), OffsetPaging(SIZE)


class Surveys:
    """The handlers."""

    def __init__(self, store: SurveyStore, clock: Callable[[], datetime], persist: Persist) -> None:
        self.store = store
        self.writes = WriteLog(store, clock, persist, ACTIONS)
        self.scroll: ScrollPaging[Answer] = ScrollPaging(4, idle=60)

    async def page(self, request: Request) -> Any:
        """The list, paged in the way that the path names."""
        rows, sent = list(matching(self.store.answers.values(), request.query_params, FILTERS)), request.query_params
        match request.path_params["way"]:
            case "cursor":
                page = CURSOR.page(rows, sent, lambda answer: answer.id)
            case "last_id":
                page = LAST_ID.page(rows, sent, lambda answer: answer.id)
            case "number":
                page = NUMBER.page(rows, sent)
            case "offset":
                page = OFFSET.page(rows, sent)
            case "scroll":
                page = self.scroll.page(rows, sent)
            case way:
                raise SurveyError(404, f"There is no list by {way}.", code="no_list")
        return {"answers": [_wire(answer) for answer in page.rows], "next": page.next}

    async def add(self, request: Request) -> Response:
        body = await json_object(request)
        if not body.get("email"):
            raise SurveyError(422, "An answer needs an email.", code="missing", field="email")
        answer = self.writes.do({"do": "add", "email": body["email"], "score": body.get("score", 0)})
        return JSONResponse(_wire(answer), 201)


def _wire(answer: Answer) -> dict[str, Any]:
    return {
        "id": answer.id,
        "email": answer.email,
        "score": decimal_text(Decimal(answer.score), 1),
        "at": iso_seconds(answer.at),
        "unix": unix_seconds(answer.at),
    }


def app(store: SurveyStore, clock: Callable[[], datetime], persist: Persist = discard) -> Starlette:
    """The tool on this store."""
    surveys = Surveys(store, clock, persist)
    return api(Limit(*RATE)).app([("GET", "/answers/by/{way}", surveys.page), ("POST", "/answers", surveys.add)])


EMULATOR = Emulator(
    name="surveys",
    title="Surveys",
    store=lambda world: new_store(world.people),
    app=app,
    environment=lambda url: {"SURVEYS_API_KEY": KEY, "SURVEYS_BASE_URL": url},
    replay=lambda store, write, at: replay(ACTIONS, store, write, at),
    limits={"minute": RATE},
    pages=(PageLink("the answers so far", "/answers"),),
    inspect={"answers": lambda store: {"answers": [as_json(answer) for answer in store.answers.values()]}},
)
