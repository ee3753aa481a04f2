"""Measuring in fresh processes, so that none inherits another's memory or imports, and in rounds in which ours and
the others take turns, so that a machine that others use slows all of them alike."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Taken:
    """What one measurement took, as its process saw it, and what it found."""

    seconds: float  # on the clock
    cpu: float  # seconds, of all its threads
    peak_mb: float
    findings: Mapping[str, Any]


Round = Callable[[], Taken]


def in_child(function: str, **arguments: Any) -> Taken:
    """Calls `module:function` in a new process, in a new folder that is its home; it returns a dict, or None."""
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as home:
        answer = Path(home, "answer.json")
        command = [sys.executable, "-m", "gtm_platform_tests.bench.child", function, json.dumps(arguments), str(answer)]
        said = subprocess.run(command, cwd=home, env=environment(home), capture_output=True, text=True, check=False)
        if said.returncode:
            raise RuntimeError(f"{function} failed: {said.stderr[-3000:]}")
        return Taken(**json.loads(answer.read_text()))


def environment(home: str) -> dict[str, str]:
    """The caller's, without the platform's own variables, which a person may have pointed at real accounts."""
    ours = ("GTM_", "HUBSPOT_", "STRIPE_", "INTERCOM_", "SLACK_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH", "")]))
    quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false", "DAGSTER_DISABLE_TELEMETRY": "1", "PYTHONWARNINGS": "ignore"}
    return kept | quiet | {"PYTHONPATH": path, "GTM_HOME": home, "DLT_DATA_DIR": home}


def in_turns(rounds: int, **measured: Round) -> dict[str, list[Taken]]:
    taken: dict[str, list[Taken]] = {name: [] for name in measured}
    for number in range(rounds):
        for name, measure in measured.items():
            print(f"  round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            taken[name].append(measure())
    return taken


def compared(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """The medians, and the median of the rounds' ratios: what slows one round slows both sides of it."""
    ratio = median(one / other for one, other in zip(ours, theirs, strict=True))
    return {"ours": median(ours), "other": median(theirs), "ratio": ratio}
