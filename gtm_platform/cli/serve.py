"""`gtm serve`: the API in this process, until Ctrl-C."""

import gc
import socket
from contextlib import closing, suppress

import click
import uvicorn

from gtm_platform.cli.erasure_runs import ErasureRuns
from gtm_platform.cli.sync_runs import SyncRuns
from gtm_platform.orchestration.instance import instance
from gtm_platform.serving.api.app import make_app
from gtm_platform.serving.store import NoSnapshot, the_store
from gtm_platform.settings import settings
from gtm_platform.state import open_state

SECONDS_TO_FINISH = 10  # requests that are being answered when it ends


def serve_api(host: str, port: int, per_second: float) -> None:
    """Answer requests until the process is asked to end."""
    store = the_store()
    with closing(open_state(settings().state_url)) as state, instance() as dagster, _listening(host, port) as listener:
        runs, erasures = SyncRuns(dagster), ErasureRuns()
        app = make_app(store, state, runs, settings().now, per_second=per_second, erasures=erasures)
        address = f"http://{'[' + host + ']' if ':' in host else host}:{listener.getsockname()[1]}"
        click.echo(f"API  {address}/v1/summary   (described at {address}/openapi.json)")
        try:
            click.echo(f"It serves {store.current().as_of}. Tokens: gtm token create --name NAME")
        except NoSnapshot as empty:
            click.secho(str(empty), fg="yellow", err=True)
        # No access log: an address may be part of a path. The audit has who asked for what.
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=SECONDS_TO_FINISH,
        )
        gc.collect()
        gc.freeze()  # what was imported stays; to look through it for garbage would halt all requests meanwhile
        with suppress(KeyboardInterrupt):  # raised again once every request is answered
            uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens, so that a port that is taken is a sentence."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ValueError(f"Nothing can listen at {host}, port {port} ({error.strerror}): choose another.") from None
