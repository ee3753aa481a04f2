"""A receiver in a process of its own, which dies by kill -9 at its n-th commit: before it, or between it and 200."""

import os
import signal
import sys
from pathlib import Path

import uvicorn

from gtm_platform.serving.api.app import make_app
from gtm_platform.serving.hooks import inbox
from gtm_platform.serving.store import Store
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform_tests.serving.server import NotedRuns


def main() -> None:
    """Serve at a port over a home; arguments: home, port, when to die (never, before, after), at which commit."""
    home, port, moment, nth = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    commits, write = [0], inbox.Inbox._write

    def dying(self: inbox.Inbox, *arguments: object) -> None:
        commits[0] += bool(arguments[0])
        if moment == "before" and commits[0] == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        write(self, *arguments)  # type: ignore[arg-type]
        if moment == "after" and commits[0] == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    inbox.Inbox._write = dying  # type: ignore[method-assign]
    state = open_state(f"sqlite:///{home / 'state.db'}")
    app = make_app(Store(home / "serving"), state, NotedRuns(), settings().now)
    print("listening", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical", access_log=False)


if __name__ == "__main__":
    main()
