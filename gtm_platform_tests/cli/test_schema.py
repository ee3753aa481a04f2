"""`gtm schema …` over what syncs have noticed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gtm_platform.ingest.field_types import FieldTypes
from gtm_platform.ingest.schema_drift import learn
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.cli.conftest import Command


@pytest.fixture
def noticed(home: Path) -> Path:
    """A home in which HubSpot's contacts have had a further field since yesterday."""
    lake, yesterday = Lake(home / "lake"), datetime.now(UTC) - timedelta(days=1)
    for raw in (b'{"id": "1"}', b'{"id": "1", "tier": "gold"}'):
        fields = FieldTypes()
        fields.sample([raw] * 30)
        learn(lake, "hubspot/contacts", fields, yesterday)
    return home


def test_changes_are_listed_until_they_are_acknowledged(command: Command, noticed: Path) -> None:
    def listed(*options: str) -> str:
        return command("schema", "changes", *options, "--home", str(noticed)).output

    assert "hubspot/contacts" in listed()
    assert "tier is new, of type text" in listed()
    answer = command("schema", "acknowledge", "hubspot/contacts", "tier", "--home", str(noticed))
    assert answer.output.splitlines()[-1] == "Acknowledged: tier is new, of type text."
    assert "No change is open." in listed()
    assert "tier is new" in listed("--all")
    assert "gold" not in listed("--all")


@pytest.mark.parametrize("names", [["hubspot/contacts", "color"], ["hubspot/deals"]])
def test_what_did_not_change_cannot_be_acknowledged(command: Command, noticed: Path, names: list[str]) -> None:
    answer = command("schema", "acknowledge", *names, "--home", str(noticed))
    assert answer.exit_code == 1
    assert f"of {names[0]} waits" in answer.output
