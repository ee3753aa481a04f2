"""The demo with its lake in a bucket: all figures true, the second time nothing new, and another machine reads it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gtm_platform_tests.lake.stores import needs_obstore
from gtm_platform_tests.s3_server import environment, real_s3_server, real_server_binary, s3_server

pytestmark = [pytest.mark.soak, needs_obstore]
GTM = [sys.executable, "-W", "ignore", "-m", "gtm_platform.cli"]
PEOPLE, NOW, ADDRESS = "60", "2026-11-20T00:00:00+00:00", "s3://lake/demo"
FIGURES = "select count(*) as customers, sum(mrr) as mrr from latest.unified_customers"


@dataclass(frozen=True)
class Living:
    """A home whose lake lies in a bucket, and what the demos printed."""

    home: Path
    variables: dict[str, str]
    demos: list["subprocess.CompletedProcess[str]"]

    def gtm(self, *words: str, home: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Give a command as somebody does who works there."""
        command = [*GTM, *words[:1], *(["--home", str(home or self.home)] if words[0] != "demo" else []), *words[1:]]
        return subprocess.run(command, env=self.variables, capture_output=True, text=True, check=False)


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    if real_server_binary():
        with real_s3_server(folder, "lake") as url:
            yield url
    else:
        with s3_server("lake") as s3:
            yield s3.url


@pytest.fixture(scope="module")
def living(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    folder = tmp_path_factory.mktemp("bucket")
    with _server(folder / "server") as url:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GTM_", "DAGSTER_"))}
        variables = {**kept, **environment(url), "GTM_LAKE": ADDRESS, "DAGSTER_DISABLE_TELEMETRY": "1"}
        living = Living(folder / "home", variables, [])
        demo = ("demo", "--home", str(living.home), "--people", PEOPLE, "--days", "1", "--now", NOW)
        for name in ("first", "again"):
            living.demos.append(living.gtm(*demo, "--summary", str(folder / name)))
        yield living


def test_every_figure_is_true_both_times(living: Living) -> None:
    for demo in living.demos:
        assert demo.returncode == 0, demo.stdout[-2000:] + demo.stderr[-2000:]
        assert demo.stdout.count("✓") == 10
        assert "✗" not in demo.stdout
    assert not (living.home / "lake").exists()


def test_a_machine_without_a_copy_answers_the_same(living: Living) -> None:
    answer = living.gtm("query", FIGURES, "--format", "json")
    assert answer.returncode == 0, answer.stderr
    shutil.rmtree(living.home / "cache" / "lake")
    again = living.gtm("query", FIGURES, "--format", "json")
    assert json.loads(again.stdout) == json.loads(answer.stdout) != []
    copies = {path.parent.name for path in (living.home / "cache" / "lake").rglob("*.parquet")}
    assert copies == {"unified_customers"}, "what a query does not name is not fetched"
    shutil.rmtree(living.home / "cache" / "lake")
    joined = f"with all_of_them as ({FIGURES}) select * from all_of_them join all_of_them as again using (customers)"
    assert json.loads(living.gtm("query", joined, "--format", "json").stdout)[0]["customers"] > 0
    elsewhere = living.home.with_name("elsewhere")
    assert json.loads(living.gtm("query", FIGURES, "--format", "json", home=elsewhere).stdout) == json.loads(
        answer.stdout
    )


def test_the_doctor_tries_the_bucket(living: Living) -> None:
    findings = living.gtm("doctor").stdout.splitlines()
    [lake] = [line for line in findings if line.startswith("lake ")]
    assert " ok " in lake
    assert ADDRESS in lake
    refused = living.gtm("doctor", home=living.home.with_name("real"))
    assert refused.returncode == 1
    assert "holds a made-up company" in refused.stdout


def test_a_demo_does_not_enter_a_bucket_with_other_data(living: Living, tmp_path: Path) -> None:
    other = Living(tmp_path / "home", {**living.variables, "GTM_LAKE": "s3://lake"}, [])
    refused = other.gtm("demo", "--home", str(other.home), "--people", PEOPLE, "--days", "1", "--now", NOW)
    assert refused.returncode
    assert "holds data that no demo made" in refused.stderr


def test_a_backup_says_that_the_lake_is_elsewhere(living: Living, tmp_path: Path) -> None:
    backup = living.gtm("backup", "--to", str(tmp_path / "backup"))
    assert backup.returncode == 0, backup.stderr
    assert f"The lake lies in {ADDRESS} and is not in it" in backup.stderr
    assert not list((tmp_path / "backup").rglob("*.parquet"))
