"""`gtm token …` and `gtm serve`, as a person gives them."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from gtm_platform_tests.cli.conftest import Command
from gtm_platform_tests.e2e.home import REPOSITORY


def test_a_token_from_its_making_to_its_end(command: Command, home: Path) -> None:
    assert "No token yet" in command("token", "list", "--home", str(home)).output
    made = command("token", "create", "--home", str(home), "--name", "BI tool", "--days", "7")
    assert made.exit_code == 0
    [shown] = re.findall(r"^gtm_[0-9a-f]{12}_[\w-]{43}$", made.output, re.MULTILINE)
    id = shown.split("_")[1]
    listed = command("token", "list", "--home", str(home)).output
    assert id in listed
    assert "customers:read" in listed
    assert shown not in listed
    assert command("token", "revoke", "--home", str(home), id).output.endswith(f"Revoked: {id}.\n")
    assert "revoked" in command("token", "list", "--home", str(home)).output


def test_what_cannot_be_is_a_sentence(command: Command, home: Path) -> None:
    unknown = command("token", "create", "--home", str(home), "--name", "x", "--scope", "root")
    assert unknown.exit_code == 1
    assert "There is no scope root" in unknown.output
    assert "could be revoked" in command("token", "revoke", "--home", str(home), "000000000000").output
    assert "1 to 730 days" in command("token", "create", "--home", str(home), "--name", "x", "--days", "0").output


def test_it_serves_on_loopback_until_it_is_ended(home: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "gtm_platform.cli", "serve", "--home", str(home), "--port", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if "http" in line)
            [url] = re.findall(r"http://127\.0\.0\.1:\d+", line)[:1]
            assert httpx.get(f"{url}/v1/summary", trust_env=False, timeout=30).status_code == 401
            process.send_signal(signal.SIGINT)
            rest = process.stdout.read()
            assert "nothing to serve" in rest
            assert "Traceback" not in rest
            assert process.wait(30) in (0, -signal.SIGINT)
        finally:
            process.kill()


def test_a_port_that_is_taken_is_a_sentence(command: Command, home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = command("serve", "--home", str(home), "--port", str(taken.getsockname()[1]))
    assert answer.exit_code == 1
    assert "Nothing can listen at 127.0.0.1" in answer.output
