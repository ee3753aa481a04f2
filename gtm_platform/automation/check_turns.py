"""Which checks say something else than before, out of Dagster's history of their evaluations.

What is remembered between two looks fits a sensor's cursor. How a turn reads belongs to `delivery/alerts`.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from textwrap import shorten
from typing import Any, Literal

import dagster as dg

from gtm_platform.delivery.alerts.kinds.check_turned import CheckTurn
from gtm_platform.orchestration.compat_history import (
    RecordedEvaluation,
    evaluations_since,
    newest_check_rows,
    runs_still_to_evaluate,
)
from gtm_platform.orchestration.origin import BACKFILL_TAG, partition_span

# The checks of a run are one message, so an evaluation waits until its run has ended; but no longer than this.
HOLD_SECONDS = 25.0
SHOWN_METADATA, SHOWN_LENGTH = 3, 240  # entries of what a check found, and characters of each
NOT_SHOWN = ("query", "sql", "look")  # metadata about how a check queries, not about its result

Verdict = Literal["ERROR", "WARN", "PASSED"]
WORSE: dict[Verdict, int] = {"PASSED": 0, "WARN": 1, "ERROR": 2}


@dataclass
class CheckMemory:
    """What is known of the checks: how far each was read, and which say that something is wrong.

    `rows` holds the newest row of each check as it was; `open` those of which more may end. A verdict that was not
    reported came from a backfill: it is of an old day, and is reported once a run of today repeats it.
    """

    rows: dict[str, str] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    read_until: dict[str, float] = field(default_factory=dict)
    wrong: dict[str, tuple[Verdict, bool]] = field(default_factory=dict)  # by check and partition, and whether reported

    @classmethod
    def of(cls, cursor: str | None) -> "CheckMemory | None":
        """Read it from a cursor; None before the first look."""
        if not cursor:
            return None
        memory: Mapping[str, Any] = json.loads(cursor)
        wrong = {slot: (verdict, bool(reported)) for slot, (verdict, reported) in memory["wrong"].items()}
        return cls(memory["rows"], memory["open"], memory["read_until"], wrong)

    def cursor(self) -> str:
        """Write it as a cursor."""
        return json.dumps(self.__dict__)

    def forget_others(self, checks: Collection[str]) -> None:
        """Forget the checks that the graph no longer has."""
        for by_check in (self.rows, self.read_until):
            for name in [name for name in by_check if name not in checks]:
                del by_check[name]
        self.open = [name for name in self.open if name in checks]
        self.wrong = {slot: wrong for slot, wrong in self.wrong.items() if slot.partition("|")[0] in checks}


def read_turns(
    instance: dg.DagsterInstance, checks: Collection[dg.AssetCheckKey], cursor: str | None, now: float
) -> tuple[list[CheckTurn], CheckMemory]:
    """Return what turned since the cursor, and what to remember. The first look tells what is wrong now.

    Several turns of a check between two looks are one, or none where it is as it was.
    """
    memory, first = CheckMemory.of(cursor) or CheckMemory(), not cursor
    rows = newest_check_rows(instance, checks)
    turns: list[CheckTurn] = []
    runs = _Runs(instance)
    for key in sorted(checks, key=lambda key: key.to_user_string()):
        name = key.to_user_string()
        if name not in rows or (rows[name] == memory.rows.get(name) and name not in memory.open):
            continue
        evaluations = evaluations_since(instance, key, memory.read_until.get(name, 0.0))
        ready = _ready(evaluations, runs, now)
        turns += _turns_of(key, ready, memory, runs, first=first)
        if ready:
            memory.read_until[name] = ready[-1].timestamp
        memory.rows[name] = rows[name]
        still_open = len(ready) < len(evaluations) or any(
            not runs.is_finished(run_id) for run_id in runs_still_to_evaluate(instance, key)
        )
        memory.open = [other for other in memory.open if other != name] + [name] * still_open
    memory.forget_others({key.to_user_string() for key in checks})
    return turns, memory


class _Runs:
    """The runs that evaluations belong to, each read once."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._read: dict[str, dg.DagsterRun | None] = {}

    def get(self, run_id: str) -> dg.DagsterRun | None:
        if run_id not in self._read:
            self._read[run_id] = self._instance.get_run_by_id(run_id) if run_id else None
        return self._read[run_id]

    def is_finished(self, run_id: str) -> bool:
        """Whether nothing more comes of a run; one that was deleted is over."""
        run = self.get(run_id)
        return run is None or run.is_finished

    def is_backfill(self, run_id: str) -> bool:
        run = self.get(run_id)
        return run is not None and BACKFILL_TAG in run.tags


def _ready(evaluations: list[RecordedEvaluation], runs: _Runs, now: float) -> list[RecordedEvaluation]:
    """Return those before the first that waits for its run."""
    for number, evaluation in enumerate(evaluations):
        if now - evaluation.timestamp < HOLD_SECONDS and not runs.is_finished(evaluation.run_id):
            return evaluations[:number]
    return evaluations


def _turns_of(
    key: dg.AssetCheckKey, evaluations: list[RecordedEvaluation], memory: CheckMemory, runs: _Runs, *, first: bool
) -> list[CheckTurn]:
    newest = {evaluation.partition or "": evaluation for evaluation in evaluations}
    turns = []
    for partition, evaluation in newest.items():
        slot = f"{key.to_user_string()}|{partition}"
        verdict = _verdict(evaluation)
        before, reported = memory.wrong.get(slot, ("PASSED", False))
        if verdict == "PASSED":
            memory.wrong.pop(slot, None)
            if reported:
                turns.append(_turn(key, evaluation, runs))
            continue
        silent = runs.is_backfill(evaluation.run_id) and not first
        worse = not reported or WORSE[verdict] > WORSE[before]
        if worse and not silent:
            turns.append(_turn(key, evaluation, runs))
        memory.wrong[slot] = (verdict, reported or not silent)
    return turns


def _verdict(evaluation: RecordedEvaluation) -> Verdict:
    if evaluation.result.passed:
        return "PASSED"
    return "ERROR" if evaluation.result.severity == dg.AssetCheckSeverity.ERROR else "WARN"


def _turn(key: dg.AssetCheckKey, evaluation: RecordedEvaluation, runs: _Runs) -> CheckTurn:
    run = runs.get(evaluation.run_id)
    return CheckTurn(
        asset=key.asset_key.to_user_string(),
        check=key.name,
        verdict=_verdict(evaluation),
        run_id=evaluation.run_id,
        partitions=evaluation.partition or (span_text(run.tags) if run else ""),
        about="" if evaluation.result.passed else _about(evaluation.result),
        evaluation_id=evaluation.id,
    )


def span_text(tags: Mapping[str, str]) -> str:
    """Return the partition or the range of a run in words; "" for a run without any."""
    span = partition_span(tags)
    if span is None:
        return ""
    return span[0] if span[0] == span[1] else f"{span[0]} to {span[1]}"


def _about(result: dg.AssetCheckEvaluation) -> str:
    """Return what a check found: its own sentence, else its figures."""
    if result.description:
        return shorten(result.description, SHOWN_LENGTH, placeholder=" …")
    shown = []
    for name, value in result.metadata.items():
        if isinstance(value, dg.TableMetadataValue):
            shown.append(f"{len(value.records)} {name}")
        elif name not in NOT_SHOWN and isinstance(value.value, int | float | str | bool):
            shown.append(f"{name} {str(value.value)[:SHOWN_LENGTH]}")
    return ", ".join(shown[:SHOWN_METADATA])
