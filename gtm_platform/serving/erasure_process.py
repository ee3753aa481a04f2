"""Erasures that somebody asks for on the dashboard: planned and carried out in processes of their own.

Whom it is about goes by stdin: the arguments of a process are seen by everybody on its machine.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from tempfile import TemporaryFile
from typing import IO

COMMAND = [sys.executable, "-W", "ignore", "-m", "gtm_platform.cli", "erase", "--from-stdin"]
LONGEST_PLAN = 600  # seconds
SILENT = "It failed, and did not say why: see what `gtm erase` says on its machine."

_launched: dict[str, tuple[subprocess.Popen[str], IO[bytes]]] = {}  # by plan, with what it prints of errors


class ErasureRefused(RuntimeError):
    """Nothing was planned or begun; the message is a sentence for whoever asked."""


def plan(person: str, reason: str, who: str) -> str:
    """Find a person everywhere, keep a plan, and return its id."""
    process = _begun({"person": person, "reason": reason, "who": who}, subprocess.PIPE, subprocess.PIPE)
    try:
        printed, trouble = process.communicate(timeout=LONGEST_PLAN)
    except subprocess.TimeoutExpired:
        process.kill()
        raise ErasureRefused("It takes too long to look through the home: use `gtm erase` on its machine.") from None
    if process.returncode:
        raise ErasureRefused(_sentence(trouble))
    return printed.strip()


def launch(plan_id: str, who: str) -> subprocess.Popen[str]:
    """Carry out a plan, or finish one that was begun; it goes on when the dashboard is ended."""
    errors = TemporaryFile()  # noqa: SIM115  for as long as the dashboard may be asked what it says
    process = _begun({"plan": plan_id, "who": who}, subprocess.DEVNULL, errors)
    assert process.stdin is not None
    process.stdin.close()
    _launched[plan_id] = process, errors
    return process


def is_at_work(plan_id: str) -> bool:
    """Whether a plan is being carried out by a process that was launched here."""
    return plan_id in _launched and _launched[plan_id][0].poll() is None


def trouble_of(plan_id: str) -> str:
    """Say why the last try that was launched here failed; empty where none did."""
    if plan_id not in _launched or not _launched[plan_id][0].poll():
        return ""
    errors = _launched[plan_id][1]
    errors.seek(0)
    return _sentence(errors.read().decode(errors="replace"))


def _sentence(printed: str) -> str:
    """Return what the command says of its failure, without the hint for whoever looks for a mistake of ours."""
    [*_, last] = [line for line in printed.strip().splitlines() if not line.startswith("(GTM_")] or [SILENT]
    return last.removeprefix("Error: ")


def _begun(request: Mapping[str, str], output: int, errors: int | IO[bytes]) -> subprocess.Popen[str]:
    try:
        process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=output, stderr=errors, text=True, start_new_session=True
        )
    except OSError as error:
        raise ErasureRefused(f"No process can be started ({error.strerror}).") from error
    assert process.stdin is not None
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    return process
