"""The parts of Fivetran's and Airbyte's own APIs that have them sync, and say when they have."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gtm_platform.sandbox.kit.render import iso_milliseconds

KEY, SECRET = "key_of_the_sandbox", "secret_of_the_sandbox"
ASKED_UNTIL_DONE = 2  # how often it is asked for a sync before that is done
WRONG_KEY = {"code": "AuthFailed", "message": "The key is not known."}

Sync = Callable[[str], None]  # of a connection


@dataclass
class Connections:
    """What syncs: each connection by its id, when it last did, and how it went."""

    sync: Sync
    clock: Callable[[], datetime]
    fails: bool = False
    finished: dict[str, datetime] = field(default_factory=dict)
    under_way: dict[str, int] = field(default_factory=dict)  # how often it was asked for since

    def start(self, connection: str) -> None:
        """Begin a sync; what it lands is there once it is done."""
        self.under_way[connection] = 0

    def is_done(self, connection: str) -> bool:
        """Say whether no sync is under way, which a sync is for some time."""
        if connection not in self.under_way:
            return True
        self.under_way[connection] += 1
        if self.under_way[connection] < ASKED_UNTIL_DONE:
            return False
        del self.under_way[connection]
        if not self.fails:
            self.sync(connection)
        self.finished[connection] = self.clock()
        return True


def fivetran(connections: Connections) -> Starlette:
    """Serve the API of Fivetran, below /v1."""

    def answer(data: Any = None) -> Response:
        return JSONResponse({"code": "Success", "data": data})

    async def details(request: Request) -> Response:
        connection = request.path_params["id"]
        done = connections.is_done(connection)
        finished = connections.finished.get(connection)
        ended = iso_milliseconds(finished) if finished else None
        state = {"setup_state": "connected", "sync_state": "scheduled" if done else "syncing", "rescheduled_for": None}
        succeeded, failed = (None, ended) if connections.fails else (ended, None)
        about = {"id": connection, "service": "sandbox", "schema": connection, "group_id": "group", "paused": False}
        return answer({**about, "succeeded_at": succeeded, "failed_at": failed, "status": state})

    async def schemas(_: Request) -> Response:
        return answer({"schemas": {}})

    async def force(request: Request) -> Response:
        connections.start(request.path_params["id"])
        return answer()

    routes = [
        Route("/v1/connectors/{id}", details),
        Route("/v1/connectors/{id}/schemas", schemas),
        Route("/v1/connectors/{id}/force", force, methods=["POST"]),
    ]
    return Starlette(routes=routes)


def airbyte(connections: Connections) -> Starlette:
    """Serve the API of one's own Airbyte, with its public and its configuration API."""
    jobs: list[str] = []

    def job(number: int) -> dict[str, Any]:
        connection = jobs[number - 1]
        status = "running" if not connections.is_done(connection) else "failed" if connections.fails else "succeeded"
        return {"jobId": number, "status": status, "jobType": "sync", "connectionId": connection}

    async def token(request: Request) -> Response:
        if (await request.json()) != {"client_id": KEY, "client_secret": SECRET}:
            return JSONResponse(WRONG_KEY, 401)
        return JSONResponse({"access_token": "token", "token_type": "Bearer", "expires_in": 180})

    async def connection(request: Request) -> Response:
        id_ = (await request.json())["connectionId"]
        about = {"name": id_, "prefix": "", "destinationId": "d", "syncCatalog": {"streams": []}}
        return JSONResponse({"connectionId": id_, **about})

    async def listed(_: Request) -> Response:
        return JSONResponse({"data": [], "previous": "", "next": ""})

    async def begin(request: Request) -> Response:
        id_ = (await request.json())["connectionId"]
        connections.start(id_)
        jobs.append(id_)
        return JSONResponse({"jobId": len(jobs), "status": "pending", "jobType": "sync", "connectionId": id_})

    async def show(request: Request) -> Response:
        return JSONResponse(job(int(request.path_params["id"])))

    public, configuration = "/api/public/v1", "/api/v1"
    routes = [
        Route(f"{public}/applications/token", token, methods=["POST"]),
        Route(f"{configuration}/connections/get", connection, methods=["POST"]),
        Route(f"{public}/jobs", listed),
        Route(f"{public}/jobs", begin, methods=["POST"]),
        Route(f"{public}/jobs/{{id}}", show),
    ]
    return Starlette(routes=routes)
