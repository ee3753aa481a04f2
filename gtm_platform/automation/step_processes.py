"""Steps side by side, each in a process of its own, as Dagster's daemon runs them: each waits for limits of its own.

A fork server imports the definitions once; what begins after that is a copy of it. A process is asked to end by SIGINT,
as a run is by Ctrl-C; it ends by itself when the process that began it is gone.
"""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import dagster as dg

from gtm_platform.automation import forked
from gtm_platform.automation.due import Step
from gtm_platform.automation.step_run import FAILED, Outcome, run_step
from gtm_platform.orchestration.instance import instance
from gtm_platform.orchestration.parent_process import end_with_parent
from gtm_platform.settings import settings

DEFINITIONS = "gtm_platform.definitions"
AT_ONCE = 12  # most wait for an answer, or for a limit
END_SECONDS = 30.0  # until a process that was asked to end is killed
LAST_SECONDS = 5.0  # ... and one that has answered, whose threads may still wait for a system


@dataclass
class StepProcesses:
    """The processes that work on steps now; `definitions` names the module that has the jobs."""

    definitions: str = DEFINITIONS
    at_once: int = AT_ONCE
    _working: dict[Connection, tuple[Step, BaseProcess]] = field(default_factory=dict)

    @property
    def is_busy(self) -> bool:
        """Whether a step is under way."""
        return bool(self._working)

    @property
    def has_room(self) -> bool:
        """Whether another step may begin."""
        return len(self._working) < self.at_once

    def begin(self, step: Step) -> None:
        """Begin a step."""
        context = get_context("forkserver")
        context.set_forkserver_preload([forked.__name__, self.definitions])
        answer, sender = context.Pipe(duplex=False)
        sent = replace(step, tags=dict(step.tags), config=dict(step.config))
        process = context.Process(target=_work, args=(sender, self.definitions, sent, dict(os.environ)), daemon=True)
        process.start()
        sender.close()
        self._working[answer] = step, process

    def ended(self, seconds: float) -> Iterator[tuple[Step, Outcome]]:
        """Yield what has ended, with what became of it, after waiting so long at most."""
        for answer in wait(list(self._working), seconds):
            assert isinstance(answer, Connection)
            step, process = self._working[answer]
            try:
                outcome: Outcome = answer.recv()
            except EOFError:  # it was killed; its run is ended by who asks for the runs that died
                process.join()
                outcome = Outcome(step.name, step.about, FAILED, reason=_ending(process))
            process.join(LAST_SECONDS)
            if process.is_alive():
                process.kill()
            answer.close()
            del self._working[answer]
            yield step, outcome

    def interrupt(self) -> Iterator[tuple[Step, Outcome]]:
        """Ask all to end, and yield what became of them; what does not end is killed."""
        for _, process in self._working.values():
            with suppress(ProcessLookupError):
                os.kill(process.pid or 0, signal.SIGINT)
        yield from self._all_ended(END_SECONDS)
        for _, process in self._working.values():
            process.kill()
        yield from self._all_ended(END_SECONDS)

    def _all_ended(self, seconds: float) -> Iterator[tuple[Step, Outcome]]:
        until = time.monotonic() + seconds
        while self._working and (left := until - time.monotonic()) > 0:
            yield from self.ended(left)


def _work(answer: Connection, definitions: str, step: Step, environment: Mapping[str, str]) -> None:
    """Run a step, in a process of its own, and answer with what became of it."""
    end_with_parent()
    os.setpgrp()  # Ctrl-C at a terminal reaches whoever began it, who passes it on, once
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started all of it deaf to it
    try:
        os.environ.update(environment)
        settings.cache_clear()
        repository = import_module(definitions).defs.get_repository_def()
        with instance() as opened, dg.partition_loading_context(effective_dt=settings().now()):
            answer.send(run_step(opened, repository, step))
    except KeyboardInterrupt:
        answer.send(Outcome(step.name, step.about, FAILED, reason="interrupted", was_interrupted=True))
    except Exception as error:  # the state is away, the disk is full
        answer.send(Outcome(step.name, step.about, FAILED, reason=str(error) or type(error).__name__))


def _ending(process: BaseProcess) -> str:
    code = process.exitcode or 0
    return f"its process was ended by signal {-code}" if code < 0 else f"its process ended with status {code}"
