"""How Clay is reached: a routine is run and its results are collected, or rows are added to a table by its webhook.

Nothing that costs credits is called again when it is not known whether it arrived.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

import msgspec
from pydantic import SecretStr

from gtm_platform.accounts import AccountIdentity
from gtm_platform.http.caller import Response
from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.errors import ApiFailure
from gtm_platform.http.pages import expect_list, get_path, get_path_or_none
from gtm_platform.http.pagination import CursorPaging
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.enrichment import Answer, CreditsExhausted, Outcome, Question, Reply
from gtm_platform.sources.clay.settings import ClaySettings as Settings
from gtm_platform.state import spend

KEY_HEADER, WEBHOOK_HEADER = "clay-api-key", "x-clay-webhook-auth"
LARGEST_RUN, LARGEST_PAGE = 100, 100
RECORDS_A_SECOND, BURST = 10, 20  # of a workspace
POLLS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)  # seconds between two looks at a run; the last one repeats
NO_CREDITS = 402
BY_WEBHOOK = "webhook"  # the reference of what a table was sent: its answers come by themselves
ONLY_RATE_LIMITS = RetryPolicy(budget=-1.0)  # a wait that Clay names costs no budget; everything else ends the call


@dataclass(frozen=True)
class Clay:
    """One workspace for one run. What is asked twice is charged twice."""

    api: Api  # for reading
    runs: Api  # for what costs credits
    table: Api | None  # the webhook of a table
    config: Settings
    wait_seconds: float
    sleep: Callable[[float], None] = time.sleep
    repeats_are_free: bool = False
    units_free_since: datetime | None = None

    @property
    def batch_size(self) -> int:
        """Companies to a call: a table takes one row at a time."""
        return 1 if self.table else LARGEST_RUN

    def ask(self, questions: Sequence[Question]) -> Reply:
        """Start a run of the routine, or add a row to the table."""
        if self.table:
            for question in questions:
                self._add_row(self.table, question)
            return Reply(reference=BY_WEBHOOK)
        items = [{"id": str(each.id), "inputs": {"Company Identifier": each.domain}} for each in questions]
        answer = self.runs.post(f"/routines/{self.config.clay_company_routine_id}/run", {"items": items})
        return Reply(reference=str(get_path(answer, "routine_run_id")))

    def _add_row(self, table: Api, question: Question) -> None:
        row = {
            "schema": 1,
            "request_id": str(question.id),
            "entity": "company",
            "domain": question.domain,
            "name": question.name,
            "callback_url": self.config.clay_callback_url,
            "requested_at": self.config.now().isoformat(),
        }
        table.post(urlsplit(self.config.webhook).path, row, check=_anything)

    def collect(self, reference: str, questions: Sequence[Question], *, wait: bool) -> list[Answer] | None:
        """Return the results of a run once it has finished; those of a table's rows come by themselves."""
        if reference == BY_WEBHOOK:
            return None
        waited, polls = 0.0, iter((*POLLS, *[POLLS[-1]] * 1_000))
        while (results := self._results(reference)) is None:
            pause = next(polls)
            if not wait or waited + pause > self.wait_seconds:
                return None
            self.sleep(pause)
            waited += pause
        by_id = {str(get_path_or_none(raw, "id")): raw for raw in results}
        return [answer_of(each, by_id[str(each.id)]) for each in questions if str(each.id) in by_id]

    def _results(self, run_id: str) -> list[bytes] | None:
        """All results of a run; None while it is at work."""
        path, paging = f"/routines/run/{run_id}/results", CursorPaging(next_at=("cursor",), send_as="cursor")
        look = self.api.get(path, {"limit": 1})
        if get_path(look, "finished") is False or get_path(look, "status") == "in_progress":
            return None
        pages = paging.walk(lambda more: self.api.get(path, more, check=expect_list()), {"limit": LARGEST_PAGE})
        return [raw for page, _ in pages for raw in page]

    def credits_left(self) -> Decimal | None:
        """Return the data credits of the workspace."""
        balance = get_path(self.api.get("/credits/balance"), "balance")
        return None if balance is None else Decimal(str(balance))

    def workspace(self) -> Mapping[str, Any]:
        """Return the workspace that the key belongs to."""
        workspace = get_path(self.api.get("/me"), "workspace")
        return workspace if isinstance(workspace, dict) else {}


def answer_of(question: Question, raw: bytes) -> Answer:
    """Read what came back about a company: a result of a routine, or what a table's HTTP column sends."""
    outcome: Outcome = "matched" if facts_of(raw)["company"] else "no_match"
    if get_path_or_none(raw, "status") in ("failed", "error"):
        outcome = "failed"
    return Answer(question, outcome, raw, _credits(get_path_or_none(raw, "credits_used")))


def _credits(value: Any) -> Decimal | None:
    """What it cost, where the table says so; a template leaves "" where a cell is empty."""
    try:
        credits = Decimal(str(value)).quantize(Decimal("0.001"))
    except InvalidOperation:
        return None
    return credits if credits >= 0 else None


def facts_of(raw: bytes) -> Mapping[str, Any]:
    """Return the company of an answer, which lies elsewhere by each way in."""
    enriched = get_path_or_none(raw, "enriched")
    if isinstance(enriched, dict):
        return {"company": {name: None if value == "" else value for name, value in enriched.items()}}
    result = get_path_or_none(raw, "result")
    columns = result.values() if isinstance(result, dict) else ()
    return {"company": next((column for column in columns if isinstance(column, dict) and column), None)}


def _anything(body: bytes) -> bytes:
    """A webhook's acknowledgement is text or JSON, and says nothing."""
    return msgspec.json.encode(body.decode("utf-8", "replace"))


@contextmanager
def connect(settings: Settings) -> Iterator[Clay]:
    """Open the workspace of the key for one run."""
    limiter = RateLimiter(RECORDS_A_SECOND, burst=BURST)
    key = BearerAuth(settings.clay_api_key or SecretStr("")).secret.get_secret_value()  # refuses what no header holds
    apis = [
        Api(
            "Clay",
            settings.clay_base_url,
            auth=None,
            headers={KEY_HEADER: key, "Accept": "application/json"},
            rate_limiters=limiter,
            retry=retry,
            keys=("CLAY_API_KEY",),
            refine=_refine,
        )
        for retry in (RetryPolicy(), ONLY_RATE_LIMITS)
    ]
    webhook = _webhook(settings, limiter)
    try:
        yield Clay(apis[0], apis[1], webhook, settings, settings.clay_wait_seconds)
    finally:
        for api in (*apis, *([webhook] if webhook else [])):
            api.close()


def _webhook(settings: Settings, limiter: RateLimiter) -> Api | None:
    if not settings.webhook or settings.clay_company_routine_id:
        return None
    token, parts = settings.clay_webhook_auth_token, urlsplit(settings.webhook)
    return Api(
        "Clay",
        f"{parts.scheme}://{parts.netloc}",
        auth=None,
        headers={WEBHOOK_HEADER: token.get_secret_value()} if token else {},
        rate_limiters=limiter,
        retry=ONLY_RATE_LIMITS,
        keys=("CLAY_WEBHOOK_AUTH_TOKEN", "CLAY_COMPANY_WEBHOOK_URL"),
    )


def _refine(failure: ApiFailure, _: Response) -> ApiFailure:
    """What is refused for want of credits."""
    if failure.status != NO_CREDITS:
        return failure
    message = "Clay says that the workspace's credits are used up."
    return CreditsExhausted("Clay", message, status=NO_CREDITS, method=failure.method, url=failure.url)


def check(clay: Clay) -> str:
    """Ask whose workspace it is, and what it has left; both cost nothing."""
    name, left = clay.workspace().get("name") or "a workspace without a name", clay.credits_left()
    return f"{name}; {spend.as_text(left)} credits left" if left is not None else str(name)


def identity(clay: Clay) -> AccountIdentity | None:
    """Return the workspace that the key opens."""
    workspace = clay.workspace()
    if not (id_ := workspace.get("id")):
        return None
    return AccountIdentity("clay", str(id_), f"Clay {workspace.get('name') or ''} ({id_})")
