"""One measurement in a process of its own: calls the function that it is told, and writes down what that took."""

import json
import sys
import time
from importlib import import_module
from pathlib import Path


def peak_mb() -> float:
    """The most memory that this process has held. Not `ru_maxrss`, which begins with what the parent held."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main(function: str, arguments: str, answer: str) -> None:
    module, _, name = function.partition(":")
    measured = getattr(import_module(module), name)
    began, cpu = time.perf_counter(), time.process_time()
    findings = measured(**json.loads(arguments))
    taken = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "peak_mb": peak_mb()}
    Path(answer).write_text(json.dumps({**taken, "findings": findings or {}}))


main(*sys.argv[1:])
