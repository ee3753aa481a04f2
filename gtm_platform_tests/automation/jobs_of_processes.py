"""Jobs for processes of their own: one that makes something, and those that wait, fail and die."""

import os
import signal
import threading
import time
from pathlib import Path

import dagster as dg

from gtm_platform.orchestration import liveness

BEGUN, MAY_END = "begun", "may end"  # files in the home: what the job that waits leaves, and waits for


@dg.asset
def quick(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Make five rows."""
    assert context.run.tags["asked"] == "yes"
    return dg.MaterializeResult(metadata={"dagster/row_count": 5})


@dg.asset
def failing() -> None:
    """Say what is wrong."""
    raise dg.Failure("it does not answer")


def wait() -> None:
    """Wait until a file says that one may end."""
    home = Path(os.environ["GTM_HOME"])
    Path(home, f"{BEGUN} {os.getpid()}").touch()
    while not Path(home, MAY_END).exists():
        time.sleep(0.01)


@dg.asset
def waiting() -> None:
    """Wait as long as the system makes it wait."""
    wait()


@dg.asset
def lingering() -> None:
    """Leave a thread behind that does not end, as one that waits for a system's answer."""
    threading.Thread(target=wait).start()


@dg.asset
def dying(context: dg.AssetExecutionContext) -> None:
    """Be killed, as the kernel kills what takes too much memory."""
    liveness.acquire(context.run_id, context.instance)
    os.kill(os.getpid(), signal.SIGKILL)


ASSETS = [quick, failing, waiting, lingering, dying]
defs = dg.Definitions(
    assets=ASSETS, jobs=[dg.define_asset_job(f"make_{asset.key.to_user_string()}", [asset]) for asset in ASSETS]
)
