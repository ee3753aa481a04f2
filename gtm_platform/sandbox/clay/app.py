"""The emulator's addresses, and what each of them answers. A table calls back as soon as its webhook has answered."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount

from gtm_platform.sandbox.clay.access import CALLBACK_SECRET, ClayError, Limits, public_api, webhook_api
from gtm_platform.sandbox.clay.store import ACTIONS, MATCH_COSTS, ClayStore, domain_of, enriched
from gtm_platform.sandbox.kit.api import json_object
from gtm_platform.sandbox.kit.paging import CursorPaging, PageSize
from gtm_platform.sandbox.kit.write_log import Persist, WriteLog

ROUTINE, WEBHOOK = "function:tbl_sandbox", "pull-in-data-from-a-webhook-sandbox"
PAGING = CursorPaging(PageSize(default=20, largest=100), "cursor")
LARGEST_RUN, LONGEST_ID = 100, 64
LOOKS = 2  # at the results of a run, until it has finished


class Clay:
    """The handlers."""

    def __init__(self, store: ClayStore, clock: Callable[[], datetime], persist: Persist) -> None:
        self._store, self._clock = store, clock
        self._log: WriteLog[ClayStore, str] = WriteLog(store, clock, persist, ACTIONS)

    async def me(self, _: Request) -> Any:
        """Tell whose key it is."""
        workspace = {"id": f"ws_sandbox{self._store.seed}", "name": f"Sandbox {self._store.seed}"}
        return {"user": {"id": "usr_1", "email": "ops@ours.example", "name": "Ops"}, "workspace": workspace}

    async def balance(self, _: Request) -> Any:
        """The credits that are left."""
        return {"balance": float(self._store.balance), "action_execution_balance": 9_000}

    async def run(self, request: Request) -> Any:
        """Start a run of the routine for up to 100 companies."""
        if request.path_params["routine_id"] != ROUTINE:
            raise ClayError(404, "Routine not found")
        items = (await json_object(request)).get("items")
        if not isinstance(items, list) or not 1 <= len(items) <= LARGEST_RUN:
            raise ClayError(400, f"items must have from 1 to {LARGEST_RUN} elements")
        if any(not item.get("id") or len(str(item["id"])) > LONGEST_ID for item in items):
            raise ClayError(400, f"each item needs an id of at most {LONGEST_ID} characters")
        if self._store.balance < MATCH_COSTS:
            raise ClayError(402, "Not enough credits")
        return {"routine_run_id": self._log.do({"do": "run", "items": items}), "status": "in_progress"}

    async def results(self, request: Request) -> Any:
        """The results of a run, once they were looked for often enough."""
        id_ = request.path_params["run_id"]
        run = self._store.runs.get(id_)
        if run is None:
            raise ClayError(404, "Run not found")
        run.looks += 1
        shape: dict[str, Any] = {"routine_run_id": id_, "total": len(run.items)}
        if run.looks < LOOKS:
            return JSONResponse({**shape, "status": "in_progress", "finished": False, "data": []}, 202)
        ordered = list(enumerate(run.items))
        page = PAGING.page(ordered, request.query_params, lambda row: row[0])
        data = [self._result(item) for _, item in page.rows]
        return {**shape, "status": "complete", "finished": True, "data": data, "cursor": page.next}

    def _result(self, item: dict[str, Any]) -> dict[str, Any]:
        if "." not in domain_of(item):
            return {"id": item["id"], "status": "failed", "result": None}
        facts = self._store.facts.of(domain_of(item), self._clock())
        return {
            "id": item["id"],
            "status": "complete",
            "result": {"Enrich Company": enriched(facts) if facts else None},
            "credits_used": float(MATCH_COSTS) if facts else 0,
        }

    async def submit(self, request: Request) -> Response:
        """Add a row to the table, which calls back with what it makes of it."""
        if request.path_params["id"] != WEBHOOK:
            raise ClayError(404, "Source not found")
        row = await json_object(request)
        number = int(self._log.do({"do": "add", "domain": str(row.get("domain", ""))}))
        callback = str(row.get("callback_url") or "")
        appears = number <= self._store.most_submissions
        task = BackgroundTask(self._call_back, callback, row) if callback and appears else None
        return JSONResponse({"status": "ok"}, background=task)

    async def _call_back(self, address: str, row: dict[str, Any]) -> None:
        facts = self._store.facts.of(str(row.get("domain", "")), self._clock())
        answer = {
            "request_id": row.get("request_id"),
            "entity": "company",
            "domain": row.get("domain"),
            "status": "found" if facts else "not_found",
            "enriched": enriched(facts) if facts else "",
            "credits_used": str(MATCH_COSTS) if facts else "",
        }
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=10) as client:
            await client.post(address, json=answer, headers={"Authorization": f"Bearer {CALLBACK_SECRET}"})


def app(store: ClayStore, clock: Callable[[], datetime], persist: Persist, limits: Limits | None = None) -> Starlette:
    """Clay on this store."""
    clay, limits = Clay(store, clock, persist), limits or Limits()
    public = public_api(limits).app(
        (
            ("GET", "/me", clay.me),
            ("GET", "/credits/balance", clay.balance),
            ("POST", "/routines/{routine_id}/run", clay.run),
            ("GET", "/routines/run/{run_id}/results", clay.results),
        )
    )
    webhook = webhook_api(limits).app((("POST", "/sources/webhook/{id}", clay.submit),))
    return Starlette(routes=[Mount("/public/v0", public), Mount("/v3", webhook)])
