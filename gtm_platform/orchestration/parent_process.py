"""A child process that does not outlive the process that began it."""

import os
import threading
from multiprocessing import parent_process


def end_with_parent() -> None:
    """End this process once its parent has ended, however that ended."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="the process that began this one", daemon=True).start()
