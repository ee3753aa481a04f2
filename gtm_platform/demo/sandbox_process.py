"""The sandbox as a process of its own, started and stopped by the commands that need one."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

PATIENCE = 300  # seconds until a world of 100,000 people has to stand


@dataclass(frozen=True)
class Box:
    url: str

    def ask(self, path: str, **params: str) -> Any:
        return self._call("GET", path, params=params)

    def set_clock(self, now: datetime) -> None:
        self._call("POST", "clock", json={"now": now.isoformat()})

    def follow_real_time(self) -> None:
        self._call("DELETE", "clock")

    def connect(self) -> dict[str, str]:
        """The environment that makes the platform read this sandbox."""
        return dict(self.ask("env"))

    def _call(self, method: str, path: str, **more: Any) -> Any:
        """Past any proxy of the environment: it is on this machine."""
        answer = httpx.request(method, f"{self.url}/_sandbox/{path}", timeout=PATIENCE, trust_env=False, **more)
        if answer.is_error:
            raise RuntimeError(f"The sandbox refused {answer.request.url.path}: {answer.text[:300]}")
        return answer.json()


@contextmanager
def open_box(home: Path, people: int, seed: int, now: datetime | None, port: int = 0) -> Iterator[Box]:
    told = home / "sandbox" / "url"
    told.unlink(missing_ok=True)
    command = [sys.executable, "-m", "gtm_platform.cli", "sandbox", "serve", "--home", str(home), "--port", str(port)]
    command += [
        "--attached",
        "--people",
        str(people),
        "--seed",
        str(seed),
        *(["--now", now.isoformat()] if now else []),
    ]
    log = home / "sandbox.log"
    home.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as output:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield _when_it_answers(process, told, log)
        finally:
            process.send_signal(signal.SIGINT)
            if process.stdin:
                process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _when_it_answers(process: "subprocess.Popen[bytes]", told: Path, log: Path) -> Box:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The sandbox did not start: {log.read_text().strip()[-600:]}")
        if told.exists() and (url := told.read_text().strip()):
            try:
                httpx.get(f"{url}/_sandbox/health", timeout=5, trust_env=False).raise_for_status()
                return Box(url)
            except (httpx.HTTPError, json.JSONDecodeError):
                pass
        time.sleep(0.05)
    raise RuntimeError(f"The sandbox did not answer within {PATIENCE} seconds; see {log}")
