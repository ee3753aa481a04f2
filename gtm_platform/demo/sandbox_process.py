"""The sandbox as a process of its own: started for a command that needs one, or discovered where one runs already.

Only what is asked of a running sandbox, and how one is started and ended; the sandbox itself is `gtm_platform.sandbox`.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from gtm_platform.demo.world import home_option

START_TIMEOUT = 300  # seconds until a world of 100,000 people has to stand
SPEED = 100  # windows of its rate limits pass so fast: at the real pace of some systems a day would take many minutes
PROBE_TIMEOUT = 5  # seconds in which a sandbox that runs says so


@dataclass(frozen=True)
class Box:
    """A sandbox that runs, by its address."""

    url: str

    def ask(self, path: str, **params: str) -> Any:
        """Read one of the sandbox's own routes."""
        return self._call("GET", path, params=params)

    def now(self) -> datetime:
        """Return the time in the sandbox."""
        return datetime.fromisoformat(self.ask("clock")["now"])

    def clock_message(self) -> str:
        """Say what time it is in the sandbox, and how its clock goes."""
        return str(self.ask("clock")["message"])

    def set_clock(self, now: datetime) -> None:
        """Move the clock to a moment, where it stands still."""
        self._call("POST", "clock", json={"now": now.isoformat()})

    def move_clock(self, days: float) -> None:
        """Move the clock on by some days, after which it goes on as it did."""
        self._call("POST", "clock", json={"days": days})

    def follow_real_time(self) -> None:
        """Let the clock run at the speed of real time."""
        self._call("DELETE", "clock")

    def webhooks(self) -> dict[str, Any]:
        """Return who registered for webhooks, and what became of deliveries."""
        return dict(self.ask("webhooks"))

    def register_webhooks(self, url: str, systems: Sequence[str], **habits: Any) -> None:
        """Have what happens from now on sent to an address; without systems, that of all."""
        self._call("POST", "webhooks", json={"url": url, "systems": list(systems), **habits})

    def end_webhooks(self) -> None:
        """Have nothing sent any more."""
        self._answer("DELETE", "webhooks")

    def send_webhooks(self) -> int:
        """Have delivered what is due; return how many deliveries these were."""
        return int(self._call("POST", "webhooks/send")["sent"])

    def environment(self) -> dict[str, str]:
        """Return the variables that make the platform read this sandbox."""
        return dict(self.ask("env"))

    def download(self, path: str) -> bytes:
        """Read one of the sandbox's own routes that is a file."""
        return self._answer("GET", path).content

    def _call(self, method: str, path: str, **content: Any) -> Any:
        return self._answer(method, path, **content).json()

    def _answer(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Past any proxy of the environment: it is on this machine."""
        url = f"{self.url}/_sandbox/{path}"
        try:
            answer = httpx.request(method, url, timeout=START_TIMEOUT, trust_env=False, **content)
        except httpx.HTTPError as error:
            raise RuntimeError(f"The sandbox at {self.url} does not answer ({type(error).__name__}).") from error
        if answer.is_error:
            raise RuntimeError(f"The sandbox refused {answer.request.url.path}: {_reason(answer)}")
        return answer


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, LookupError, TypeError):
        return answer.text[:300]


def running_sandbox(home: Path) -> Box | None:
    """Return the sandbox that runs for this home; None where none answers at the address it left."""
    try:
        url = _url_file(home).read_text().strip()
    except OSError:
        return None
    return Box(url) if url and _is_up(url) else None


def required_sandbox(home: Path) -> Box:
    """Return the sandbox that runs for this home, or say how one is started."""
    box = running_sandbox(home)
    if box is None:
        raise RuntimeError(
            f"No sandbox runs for the home {home}. Start `gtm ui{home_option(home)}` in another terminal (or, without "
            f"the UI, `gtm sandbox serve --home {home}`), and try again."
        )
    return box


@contextmanager
def open_box(home: Path, people: int, seed: int, now: datetime | None, port: int = 0) -> Iterator[Box]:
    """Start a sandbox for this home; it ends with the context, and with this process."""
    url_file = _url_file(home)
    url_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "gtm_platform.cli", "sandbox", "serve", "--attached", "--home", str(home)]
    command += ["--port", str(port), "--people", str(people), "--seed", str(seed)]
    command += ["--now", now.isoformat()] if now else []
    command += ["--speed", str(SPEED)]
    log = home / "sandbox.log"
    home.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as output:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield _wait_until_up(process, url_file, log)
        finally:
            _end(process)


def _wait_until_up(process: "subprocess.Popen[bytes]", url_file: Path, log: Path) -> Box:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The sandbox did not start. {_last_words(log)}")
        if url_file.exists() and (url := url_file.read_text().strip()) and _is_up(url):
            return Box(url)
        time.sleep(0.05)
    raise RuntimeError(f"The sandbox did not answer within {START_TIMEOUT} seconds; see {log}")


def _last_words(log: Path) -> str:
    """What the sandbox said when it ended, without what is only for a terminal."""
    lines = [line for line in log.read_text().splitlines() if line.strip() and not line.startswith("(GTM_TRACEBACK")]
    return lines[-1][-600:] if lines else f"It said nothing; see {log}."


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGINT)
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _url_file(home: Path) -> Path:
    return home / "sandbox" / "url"


def _is_up(url: str) -> bool:
    try:
        answer = httpx.get(f"{url}/_sandbox/health", timeout=PROBE_TIMEOUT, trust_env=False)
        return answer.is_success and answer.json()["status"] == "ok"
    except (httpx.HTTPError, json.JSONDecodeError, LookupError):
        return False
