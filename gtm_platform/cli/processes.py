"""The processes that a command starts and ends: their ports, what they print, and which of them ends by itself."""

import os
import queue
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
END_SECONDS = 20
LAST_WORDS = 300  # characters of a log's last line


@dataclass(frozen=True)
class Child:
    """A process that was started, by what people call it, and the file with what it prints."""

    name: str
    process: "subprocess.Popen[Any]"
    log: Path

    def ending(self) -> str:
        """Return the sentence on how it ended, with the last line that it printed."""
        code = self.process.wait()
        how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
        last = self._last_line()
        return f"{self.name} {how}{f': {last}' if last else '.'} What it printed: {self.log}"

    def _last_line(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").split("\n")
        except FileNotFoundError:
            return ""
        return next((line.strip()[:LAST_WORDS] for line in reversed(lines) if line.strip()), "")


def end_in_order() -> None:
    """Take every request to end as Ctrl-C, also where a shell started this process deaf to it."""
    for ending in ENDINGS:
        signal.signal(ending, signal.default_int_handler)


@contextmanager
def child_process(name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[Child]:
    """Run a process until the block ends; what it prints goes to the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as file:
        # A session of its own: Ctrl-C reaches whoever started it, which then ends it.
        process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield Child(name, process, log)
    finally:
        end(process, signal.SIGTERM)


def end(process: "subprocess.Popen[Any]", request: signal.Signals, *, whole_session: bool = False) -> None:
    """Ask a process to end, and kill it where it does not.

    What it started goes too where it does not end, or the whole session is meant.
    """
    process.send_signal(request)
    try:
        process.wait(END_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        whole_session = True
    if whole_session:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def endings(children: Sequence[Child]) -> Iterator[Child]:
    """Yield each of the processes when it ends."""
    ended: queue.SimpleQueue[Child] = queue.SimpleQueue()

    def watch(child: Child) -> None:
        child.process.wait()
        ended.put(child)

    for child in children:
        threading.Thread(target=watch, args=(child,), daemon=True).start()
    for _ in children:
        yield ended.get()


def is_free(port: int) -> bool:
    """Whether nothing on this machine listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


def free_port(usual: int) -> int:
    """Return the usual port; any other for 0, and where something, perhaps another home, has it."""
    if usual and is_free(usual):
        return usual
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def refuse_taken(port: int, command: str) -> None:
    """Refuse a port that something listens on; `command` is how another one is chosen."""
    if not is_free(port):
        raise ValueError(f"Port {port} is taken; use another: {command} {port + 1}")
