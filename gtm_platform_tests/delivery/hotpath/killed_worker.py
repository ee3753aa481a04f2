"""A worker of the hot path in a process of its own, that is killed at one of its stages or at a moment."""

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from threading import Timer
from typing import Any

from gtm_platform.delivery.hotpath import worker as hot_worker
from gtm_platform.delivery.hotpath.worker import HotWorker
from gtm_platform.settings import settings
from gtm_platform.sources.hubspot.client import HubSpotClient
from gtm_platform_tests.delivery.hotpath.hot_home import HotHome, Stored
from gtm_platform_tests.delivery.hotpath.hot_room import follower
from gtm_platform_tests.delivery.killed_delivery import quick_state

WRITES = "batch/update"


def kill(*_: object) -> None:
    """End this process as nothing can prevent."""
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, is_meant: Callable[..., bool] = lambda *_args: True) -> None:
    """Be killed before something is done."""
    done = getattr(owner, name)

    def watched(*args: Any, **more: Any) -> Any:
        if is_meant(*args):
            kill()
        return done(*args, **more)

    setattr(owner, name, watched)


def after(owner: Any, name: str, is_meant: Callable[..., bool] = lambda *_args: True) -> None:
    """Be killed once something was done, before anybody knows of it."""
    done = getattr(owner, name)

    def watched(*args: Any, **more: Any) -> Any:
        answer = done(*args, **more)
        if is_meant(*args):
            kill()
        return answer

    setattr(owner, name, watched)


def writes(_client: object, _method: object, path: object, *_more: object) -> bool:
    """Whether a call writes values."""
    return WRITES in str(path)


POINTS: Mapping[str, Callable[[], None]] = {
    "claimed": lambda: before(HotWorker, "_read"),
    "read": lambda: after(HotWorker, "_read"),
    "computed": lambda: after(hot_worker, "hot_rows"),
    "planned": lambda: after(hot_worker, "planned"),
    "noted": lambda: after(HotWorker, "_note"),
    "sent": lambda: before(HubSpotClient, "call", writes),
    "written, no receipt": lambda: after(HubSpotClient, "call", writes),
    "read back": lambda: after(hot_worker, "send"),
    "not noted as followed": lambda: before(hot_worker, "note_run"),
}


def follow(root: str, variables: Mapping[str, str], changes: Stored, now: datetime, point: str | float) -> None:
    """Follow what waits, and be killed at a point, or after so many seconds."""
    os.environ.update(variables)
    settings.cache_clear()
    home = HotHome(Path(root), {table: {} for table in changes})
    hot_worker.read_open_window = lambda *_args: home.change(changes, hot_only=True)  # type: ignore[attr-defined]
    with closing(quick_state(settings().state_url)) as state:
        worker = follower(home, state, lambda: now)
        if isinstance(point, str):
            POINTS[point]()
        else:
            Timer(point, kill).start()
        worker.step()
    os._exit(0)  # without waiting for the timer
