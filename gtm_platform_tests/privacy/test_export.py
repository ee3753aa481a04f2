"""What is known of a person is handed out: all of it, readable, and nothing of others' own."""

import csv
import json
from pathlib import Path

import pytest

from gtm_platform.privacy.export import FolderNotEmpty, export_person
from gtm_platform_tests.privacy.small_home import BOB, DAYS, JANE, JANES_NAME, NOW, SmallHome


def test_everything_is_there_as_json_and_as_tables(home: SmallHome, tmp_path: Path) -> None:
    folder = tmp_path / "jane"
    exported = export_person(home.lake, home.context().state_url, JANE, folder, NOW)
    whole = json.loads((folder / "everything.json").read_text())
    assert whole["names"] == [JANES_NAME]
    tables = whole["tables"]
    assert {name: len(table["rows"]) for name, table in tables.items()} == dict(exported.rows)
    assert {row["partition"] for row in tables["core/unified_customers"]["rows"]} == set(DAYS)
    assert [row["id"] for row in tables["stripe/charges"]["rows"]] == ["ch_1234567890"]
    assert tables["state/slack_messages"]["rows"][0]["kind"] == "health_drop"
    assert tables["hubspot/contacts"]["about"]
    with open(folder / "hubspot.contacts.csv", encoding="utf-8-sig", newline="") as file:
        [row] = csv.DictReader(file)
    assert row["email"] == JANE
    assert not any(row["email"] == BOB for row in tables["hubspot/contacts"]["rows"])


def test_a_folder_with_other_things_in_it_is_refused(home: SmallHome, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("somebody else's")
    with pytest.raises(FolderNotEmpty):
        export_person(home.lake, home.context().state_url, JANE, tmp_path, NOW)
