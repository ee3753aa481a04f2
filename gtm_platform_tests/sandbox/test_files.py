"""The files that people of the sandbox's world drop: drawn from its market, in the dialects of several spreadsheets."""

import csv
import io
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from gtm_platform.ingest.files.streams import folder_of
from gtm_platform.sandbox.files import files_between
from gtm_platform.sandbox.server import running
from gtm_platform.sandbox.world import World
from gtm_platform.sandbox.world.truth_market import market_truth
from gtm_platform.sources.assets import SOURCES

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def world() -> World:
    return World(7, 300, START)


def test_every_source_of_files_gets_each_kind_of_file_and_accepts_every_row(world: World) -> None:
    folders = {source.name: folder for source in SOURCES if (folder := folder_of(source))}
    read = set()
    for file in files_between(world, None, START + DAY):
        folder = folders[file.source]
        folder.drop.mkdir(parents=True, exist_ok=True)
        path = folder.drop / file.name
        path.write_bytes(file.content)
        report = folder.dry_run(path)
        assert (report.refused, report.quarantined) == ("", 0)
        assert report.accepted > 0
        read.add((file.source, report.stream))
    assert read == {(name, stream) for name, folder in folders.items() for stream in folder.layouts}


def test_they_say_what_the_truth_says(world: World) -> None:
    truth = {row["domain"]: row for row in market_truth(world.market, START)}
    by_name = {file.name: file for file in files_between(world, None, START)}
    accounts = by_name["accounts_target-accounts_20260302.csv"].content.decode("utf-8-sig")
    listed = {
        row["website"].removeprefix("https://www.") for row in csv.DictReader(io.StringIO(accounts), delimiter=";")
    }
    assert listed == {domain for domain, row in truth.items() if row.get("listed")}
    partners = by_name["partners_20260302_full.csv"].content.decode()
    statuses = {row["partner_domain"]: row["status"] for row in csv.DictReader(io.StringIO(partners))}
    assert statuses == {domain: row["partner_status"] for domain, row in truth.items() if "partner_status" in row}


def test_a_file_is_dropped_again_only_when_something_has_changed(world: World) -> None:
    month = files_between(world, None, START + 30 * DAY)
    contents = [(file.source, file.content) for file in month]
    assert len(contents) == len(set(contents))
    later = files_between(world, START + DAY, START + 30 * DAY)
    assert later == [file for file in month if file.at > START + DAY]


def test_the_sandbox_serves_them() -> None:
    with running(60, 7, START) as box:
        listed = httpx.get(f"{box.url}/_sandbox/files", trust_env=False).json()["files"]
        assert listed
        for file in listed:
            answer = httpx.get(f"{box.url}/_sandbox/files/{file['source']}/{file['name']}", trust_env=False)
            assert len(answer.content) == file["bytes"]
        since = httpx.get(f"{box.url}/_sandbox/files", params={"since": START.isoformat()}, trust_env=False)
        assert since.json() == {"files": []}
        assert httpx.get(f"{box.url}/_sandbox/files/partners_csv/none.csv", trust_env=False).status_code == 404
