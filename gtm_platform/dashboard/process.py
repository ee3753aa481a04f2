"""The dashboard as a process: Streamlit with our script, on this machine only."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

SCRIPT = Path(__file__).with_name("app.py")
HOST, USUAL_PORT = "127.0.0.1", 8501
END_SECONDS = 10


def free_port() -> int:
    """Return the usual port, or any other where something, perhaps another home's dashboard, has it."""
    with socket.socket() as probe:
        if probe.connect_ex((HOST, USUAL_PORT)) != 0:
            return USUAL_PORT
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def address(port: int) -> str:
    """Return where the dashboard is opened."""
    return f"http://{HOST}:{port}"


@contextmanager
def serving_dashboard(port: int, environment: Mapping[str, str], log: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """Serve it at a port until the block ends; what Streamlit prints goes to the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-W", "ignore", "-m", "streamlit", "run", str(SCRIPT)]
    # What else is configured stands in `.streamlit/config.toml` beside the script.
    command += ["--server.address", HOST, "--server.port", str(port), "--browser.gatherUsageStats", "false"]
    with open(log, "wb") as file:
        # A session of its own: Ctrl-C reaches whoever serves it, which then ends it.
        process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
