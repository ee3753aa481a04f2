"""Erasures that somebody asks for on the dashboard: planned and carried out in processes of their own.

Whom it is about goes by stdin: the arguments of a process are seen by everybody on its machine.
"""

import json
import subprocess
import sys
from collections.abc import Mapping

COMMAND = [sys.executable, "-W", "ignore", "-m", "gtm_platform.cli", "erase", "--asked"]
LONGEST_PLAN = 600  # seconds


class ErasureRefused(RuntimeError):
    """Nothing was planned or begun; the message is a sentence for whoever asked."""


def plan(person: str, reason: str, who: str) -> str:
    """Find a person everywhere, keep a plan, and return its id."""
    process = _begun({"person": person, "reason": reason, "who": who}, subprocess.PIPE)
    try:
        printed, trouble = process.communicate(timeout=LONGEST_PLAN)
    except subprocess.TimeoutExpired:
        process.kill()
        raise ErasureRefused("It takes too long to look through the home: use `gtm erase` on its machine.") from None
    if process.returncode:
        lines = trouble.strip().splitlines()
        raise ErasureRefused(lines[-1].removeprefix("Error: ") if lines else "No plan could be made.")
    return printed.strip()


def launch(plan_id: str, who: str) -> None:
    """Carry out a plan, or finish one that was begun; it goes on when the dashboard is ended."""
    process = _begun({"plan": plan_id, "who": who}, subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.close()


def _begun(request: Mapping[str, str], output: int) -> subprocess.Popen[str]:
    try:
        process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=output, stderr=output, text=True, start_new_session=True
        )
    except OSError as error:
        raise ErasureRefused(f"No process can be started ({error.strerror}).") from error
    assert process.stdin is not None
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    return process
