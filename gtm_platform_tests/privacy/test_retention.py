"""How long personal data are kept: what is too old goes, what is needed stays, and it is counted."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest

import gtm_platform.definitions  # noqa: F401  declares every table
from gtm_platform.lake.lake import GRACE, Lake
from gtm_platform.policy.privacy import Retention
from gtm_platform.privacy import assets
from gtm_platform.privacy.retention import due, enforce, sweep
from gtm_platform_tests.e2e.home import let_go
from gtm_platform_tests.lake.stores import STORES, lake_in
from gtm_platform_tests.privacy.small_home import JANE, write

TODAY = date(2026, 3, 31)
OLD, NEW = "2026-01-05T0000", "2026-03-30T0000"


@pytest.fixture(params=STORES)
def lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    with lake_in(request.param, tmp_path, monkeypatch) as lake:
        yield lake


@pytest.fixture
def aged(lake: Lake) -> Lake:
    for window in (OLD, NEW):
        talk = {
            "id": "1",
            "author_email": JANE,
            "body": "Hello.",
            "subject": "Hi",
            "payload": "{}",
            "contact_ids": ["9"],
        }
        write(lake, "intercom/conversations", window, talk)
        write(lake, "quarantine/intercom_contacts", window, {"digest": "d", "reason": "r", "payload": "{}"})
    for day in (OLD[:10], NEW[:10]):
        write(lake, "core/activity", day, {"customer_id": "c"})
    write(lake, "market/web_traffic", OLD[:10])
    return lake


def rows(lake: Lake, table: str, partition: str) -> list[dict[str, Any]]:
    [file] = [file for file in lake.files(table) if file.partition == partition]
    stored: list[dict[str, Any]] = pq.ParquetFile(file.path).read().to_pylist()
    return stored


def test_by_default_everything_is_kept(aged: Lake, tmp_path: Path) -> None:
    assert due(aged, tmp_path, Retention(), TODAY).files == 0


def test_payloads_go_and_records_stay(aged: Lake, tmp_path: Path) -> None:
    rules = Retention(payload_days=30)
    what = due(aged, tmp_path, rules, TODAY)
    assert (dict(what.kinds), enforce(aged, what)) == ({"payloads": 1}, 1)
    [old], [new] = rows(aged, "intercom/conversations", OLD), rows(aged, "intercom/conversations", NEW)
    assert (old["payload"], old["body"], new["payload"]) == (None, "Hello.", "{}")
    assert due(aged, tmp_path, rules, TODAY).files == 0, "what is done is not due any more"


def test_texts_go_and_whose_they_were_stays(aged: Lake, tmp_path: Path) -> None:
    what = due(aged, tmp_path, Retention(text_days=30, text_tables=("intercom/conversations",)), TODAY)
    enforce(aged, what)
    [old], [new] = rows(aged, "intercom/conversations", OLD), rows(aged, "intercom/conversations", NEW)
    assert (old["body"], old["subject"], old["author_email"], old["contact_ids"]) == (None, None, JANE, ["9"])
    assert new["body"] == "Hello."


def test_quarantine_and_history_go_but_for_the_newest_day(aged: Lake, tmp_path: Path) -> None:
    what = due(aged, tmp_path, Retention(quarantine_days=30, history_days=30), TODAY)
    assert dict(what.kinds) == {"quarantine": 1, "history": 1}
    enforce(aged, what)
    assert aged.partitions("core/activity") == [NEW[:10]]
    assert aged.partitions("market/web_traffic") == [OLD[:10]], "days after it are made of it"
    assert aged.partitions("quarantine/intercom_contacts") == [NEW]


def test_logs_go_by_their_age(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "dagster/storage/run/compute_logs"
    folder.mkdir(parents=True)
    for name, moment in (("old.err", datetime(2020, 1, 1, tzinfo=UTC)), ("new.err", datetime.now(UTC))):
        (folder / name).write_text("x")
        os.utime(folder / name, (moment.timestamp(), moment.timestamp()))
    enforce(lake, due(lake, tmp_path, Retention(log_days=90), TODAY))
    assert [path.name for path in folder.iterdir()] == ["new.err"]


def test_the_old_file_stays_until_nobody_reads_it(aged: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = Retention(payload_days=30)
    enforce(aged, due(aged, tmp_path, rules, TODAY))
    assert sweep(aged, rules, TODAY) == 0
    later = time.time() + GRACE + 60
    monkeypatch.setattr(time, "time", lambda: later)
    assert sweep(aged, rules, TODAY) == 1
    assert len([file for file in aged.versions("intercom/conversations") if file.partition == OLD]) == 1


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened
        let_go()


def test_the_asset_counts_and_the_check_agrees(instance: dg.DagsterInstance) -> None:
    """In an empty home, by the policy that keeps everything."""
    from gtm_platform.lake.dagster.resource import LakeResource

    ran = dg.materialize(
        [assets.retention, assets.as_the_policy_says], instance=instance, resources={"lake": LakeResource()}
    )
    [made], [check] = ran.get_asset_materialization_events(), ran.get_asset_check_evaluations()
    assert made.materialization.metadata["figure/files"].value == 0
    assert check.passed
