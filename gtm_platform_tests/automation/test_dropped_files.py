"""What the data team reads in Slack about a file that was dropped."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gtm_platform.automation.ops_notifications import SENSORS
from gtm_platform.ingest.files.folder import FileFolder
from gtm_platform.ingest.files.streams import folder_of
from gtm_platform.ingest.source import BEGINNING, END, Window
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.sources.partners_csv.source import SOURCE as PARTNERS
from gtm_platform_tests.automation.ops_room import OpsRoom, ops_room

[FILES] = [sensor for sensor in SENSORS if sensor.name == "report_dropped_files"]
HEADER = "Partner,Domain,Type,Tier,Status\n"
GOOD, BAD = "Northwind,northwind.example,si,gold,active\n", "Jane Doe,south.example,si,golden,active\n"


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running(people=20) as box:
        yield box


@pytest.fixture
def room(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpsRoom]:
    with ops_room(box, tmp_path, monkeypatch) as room:
        room.tick(FILES)  # the first look is at what comes from now on
        yield room
        room.control.go_right()


@pytest.fixture
def folder(room: OpsRoom) -> FileFolder:  # noqa: ARG001 (its home)
    folder = folder_of(PARTNERS)
    assert folder is not None
    return folder


def read(folder: FileFolder, path: Path, content: str) -> None:
    """A file with some content, picked up and read."""
    path.write_text(content)
    take(folder, path)


def take(folder: FileFolder, path: Path) -> None:
    """A file picked up, and its rows written by a run."""
    folder.take(path)
    for kind in folder.layouts:
        list(folder.pages(kind, Window(BEGINNING, END, full=True)))
        folder.written(kind, "run-0123456789")


def test_a_file_is_one_message_that_says_what_came_of_it(room: OpsRoom, folder: FileFolder, tmp_path: Path) -> None:
    read(folder, tmp_path / "partners.csv", HEADER + GOOD + BAD)
    assert room.tick(FILES) == "1 new, 1 sent, 0 waiting"
    [message] = room.box.world.slack.messages
    assert room.heading(message.blocks) == "File read: partners.csv (partners_csv)"
    shown = json.dumps(message.blocks)
    assert "1 of 2 rows accepted as partners, 1 quarantined (line 3: tier is none of registered, silver" in shown
    assert "quarantine.partners_csv_partners" in shown
    assert "gtm import partners_csv partners.csv --dry-run --rejected to_mend.csv" in shown
    assert "/runs/run-0123456789" in shown
    assert "Jane" not in shown
    assert room.tick(FILES) == "0 new, 0 sent, 0 waiting"


def test_a_refused_file_says_what_it_lacks(room: OpsRoom, folder: FileFolder, tmp_path: Path) -> None:
    read(folder, tmp_path / "partners.csv", "Jane Doe,jane@acme.example\nJoe Doe,joe@acme.example\n")
    room.tick(FILES)
    [message] = room.box.world.slack.messages
    assert room.heading(message.blocks) == "File refused: partners.csv (partners_csv)"
    shown = json.dumps(message.blocks)
    assert "lacks a column that is required: partner_name and partner_domain" in shown
    assert "Jane" not in shown
    assert "jane" not in shown


def test_a_file_dropped_again_is_heard_of(room: OpsRoom, folder: FileFolder, tmp_path: Path) -> None:
    read(folder, tmp_path / "partners.csv", HEADER + GOOD)
    room.tick(FILES)
    assert room.titles() == ["File read: partners.csv (partners_csv)"]
    read(folder, tmp_path / "copy.csv", HEADER + GOOD)
    room.tick(FILES)
    assert room.titles() == ["File dropped again: partners.csv (partners_csv)"]
