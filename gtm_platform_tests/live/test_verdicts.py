"""What a live run says of memory and messages: growth is found in what lasts, and a message said twice is named."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gtm_platform_tests.live.memory import Memory, Sample, kind_of, kinds
from gtm_platform_tests.live.messages import counted, posts, said_twice

DAEMON, RUN = "dagster._daemon run", "dagster api execute_run"


def lived(daemon: list[float], more: dict[int, dict[int, tuple[str, float]]] | None = None) -> list[Sample]:
    """The daemon's memory in each sample, and other processes in some."""
    return [{1: (DAEMON, megabytes), **(more or {}).get(at, {})} for at, megabytes in enumerate(daemon)]


@pytest.mark.parametrize(
    ("daemon", "grows"),
    [
        ([400.0] * 40, False),
        ([100.0 + 30 * min(at, 10) for at in range(40)], False),  # it warms up
        ([400.0 + (at % 2) * 200 for at in range(40)], False),  # it comes and goes
        ([400.0 + 5 * at for at in range(40)], True),
        ([30.0 + at for at in range(40)], False),  # by less than what an allocator keeps
        ([4000.0 + 5 * at for at in range(40)], False),  # by less than a tenth
    ],
)
def test_growth_is_what_goes_on_once_a_process_is_warm(daemon: list[float], grows: bool) -> None:
    [kind] = kinds(lived(daemon))
    assert (kind.name, kind.lasts, kind.grows) == (DAEMON, True, grows)
    assert ("GROWS" if grows else "steady") in kind.line


def test_more_and_more_processes_of_a_kind_that_lasts_are_growth() -> None:
    more = {at: dict.fromkeys(range(2, 2 + at // 4), (DAEMON, 100.0)) for at in range(40)}
    [kind] = kinds(lived([100.0] * 40, more))
    assert kind.grows


def test_what_ends_with_its_work_does_not_grow() -> None:
    runs = {at: {100 + at: (RUN, 50.0 * at)} for at in range(40)}
    run, daemon = kinds(lived([400.0] * 40, runs))
    assert (daemon.grows, run.grows, run.lasts) == (False, False, False)
    assert (run.processes, run.most) == (40, 1950.0)


def test_a_process_and_what_it_started_are_seen() -> None:
    inner = "import sys; print(1, flush=True); sys.stdin.read()"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # the inner one is up
        memory = Memory(process.pid)
        memory.sample()
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
        process.stdout.close()
    [sample] = memory.samples
    assert len(sample) == 2
    assert process.pid in sample
    assert os.getpid() not in sample
    assert all(megabytes > 1 for _, megabytes in sample.values())


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (["/usr/bin/python", "-W", "ignore", "-m", "dagster._daemon", "run", "-w", "x.yaml"], DAEMON),
        (["python", "-m", "gtm_platform.cli", "sandbox", "serve", "--home", "x"], "gtm_platform.cli sandbox serve"),
        (["python", "-m", "gtm_platform.cli", "ui", "--home", "x"], "gtm_platform.cli ui"),
        (["python", "-m", "dagster", "api", "execute_run", '{"run": 1}'], RUN),
        (["/opt/chromium", "--type=zygote"], "chromium"),
    ],
)
def test_a_kind_is_the_module_and_its_command(command: list[str], kind: str) -> None:
    assert kind_of(command) == kind


def post(fact: str | None, text: str, channel: str = "C1") -> dict[str, Any]:
    metadata = {"event_payload": {"fingerprint": fact}} if fact else None
    return {"do": "post", "channel": channel, "text": text, "blocks": [], "metadata": metadata}


def test_a_message_that_is_posted_twice_is_named() -> None:
    one, other = post("at_risk:c1:2026-03-01", "At risk: Ada"), post("at_risk:c2:2026-03-01", "At risk: Bo")
    assert said_twice([one, other, {**one, "channel": "C2"}]) == []
    reworded = {**one, "text": "At risk: Ada, still"}
    assert said_twice([one, other, reworded]) == ["at_risk:c1:2026-03-01 was posted 2 times in C1"]
    assert said_twice([post(None, "Hello"), post(None, "Hello")]) == ["the same words were posted 2 times in C1: Hello"]
    assert said_twice([post("x:1", "(may be a repeat) At risk")]) == ["it may be a repeat: (may be a repeat) At risk"]
    assert counted([one, other, post(None, "Hello")]) == {"at_risk": 2, "without an identity": 1}


def test_posts_are_read_of_what_the_sandbox_kept(tmp_path: Path) -> None:
    assert posts(tmp_path) == []
    deeds = [
        {"system": "slack", "write": post("x:1", "Hello")},
        {"system": "slack", "write": {"do": "react", "name": "eyes"}},
        {"system": "hubspot", "write": {"do": "save"}},
    ]
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "writes.jsonl").write_text("\n".join(map(json.dumps, deeds)))
    assert posts(tmp_path) == [post("x:1", "Hello")]
