"""A further source of people is one file: its feeds. Every table of customers follows."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from gtm_platform_tests.identity import fourth_source

Rows = Mapping[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    folder = tmp_path_factory.mktemp("fourth")
    child = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", fourth_source.__name__, str(folder)],
        env={**os.environ, "GTM_FIRST_DAY": "2026-02-01"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-3000:]
    tables: Rows = json.loads(child.stdout.splitlines()[-1])
    return tables


def by_guest(made: Rows, table: str) -> dict[str, dict[str, Any]]:
    """The rows of a table by the guest that each customer is."""
    guests = {row["customer_id"]: row["events_guest_id"] for row in made["identity/people"]}
    return {guests[row["customer_id"]]: row for row in made[table]}


def test_its_records_are_linked_by_address_and_by_the_id_they_carry(made: Rows) -> None:
    links = {row["record_id"]: row for row in made["identity/links"]}
    assert set(links) == {"h1", "h2", "g1", "g2", "g3"}
    assert links["g1"]["customer_id"] == links["h1"]["customer_id"]
    assert links["g1"]["match_method"] == "email"
    assert links["g2"]["customer_id"] == links["h2"]["customer_id"]
    assert (links["g2"]["match_method"], links["g2"]["evidence"]) == ("shared_id", "hubspot id h2")


def test_its_people_are_customers_with_its_id(made: Rows) -> None:
    people = {row["events_guest_id"]: row for row in made["identity/people"]}
    assert {guest: row["hubspot_contact_id"] for guest, row in people.items()} == {"g1": "h1", "g2": "h2", "g3": None}
    assert people["g3"]["email"] == "new@beta.example"


def test_precedence_decides_field_by_field(made: Rows) -> None:
    profiles = by_guest(made, "core/profile")
    assert {guest: row["name"] for guest, row in profiles.items()} == {"g1": "Dana Reed", "g2": "Eve", "g3": "Noa New"}
    assert (profiles["g1"]["country"], profiles["g3"]["country"]) == ("DE", "France")


def test_quality_and_the_wide_table_have_its_columns(made: Rows) -> None:
    quality, wide = by_guest(made, "quality/customer_quality"), by_guest(made, "core/unified_customers")
    for guest in ("g1", "g2", "g3"):
        assert quality[guest]["last_events_sync"].startswith("2026-02-11")
        assert wide[guest]["last_events_sync"] == quality[guest]["last_events_sync"]
        assert wide[guest]["events_guest_id"] == guest
    assert quality["g3"]["last_hubspot_sync"] is None
