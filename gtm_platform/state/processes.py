"""What a host says of its processes, where it is Linux; elsewhere nothing is known of them."""

from pathlib import Path

STATE, STARTED, ENDED = 0, 19, "Z"  # places after the name of the program, and the state of one that nobody asked about


def started(pid: int) -> str:
    """Return when a process of this host started, as the host counts; "" where it does not say."""
    status = _status(pid)
    return status[STARTED] if status else ""


def has_ended(pid: int) -> bool:
    """Whether a process that still has its number has ended, and who began it has not asked how."""
    status = _status(pid)
    return bool(status) and status[STATE] == ENDED


def _status(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
