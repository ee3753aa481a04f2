"""Whom late records concern: those of a past day that were read later, by whichever of their ids names somebody."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.health.late_records import LINKS, LateRecords, late_records
from gtm_platform.health.published_scores import TABLE as PUBLISHED
from gtm_platform.health.recomputation import Hindsight
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.tables import filled

THEN, DAY = "2026-11-19", "2026-11-20"
NOON, NEXT_NIGHT = datetime(2026, 11, 19, 12, tzinfo=UTC), datetime(2026, 11, 20, 3, tzinfo=UTC)
CHARGE = {"id": "ch_1", "customer_id": "cus_a", "changed_at": NOON}


class Systems:
    """A lake with what was read of a day when its scores were published, and what is read later."""

    def __init__(self, folder: Path) -> None:
        self.lake = Lake(folder / "lake")
        self.folder = folder
        self.read("stripe/charges", THEN, CHARGE)
        talk = {"id": "talk", "contact_id": "ct_b", "contact_ids": ["ct_b"], "updated_at": NOON}
        self.read("intercom/conversations", f"{THEN}T0000", talk)
        links = [("stripe", "cus_a", "a", ""), ("intercom", "ct_b", "b", ""), ("stripe", "cus_c", "c", "c@acme.com")]
        rows = [
            {"source": source, "record_id": id, "customer_id": customer, "email": email, "match_method": "alone"}
            for source, id, customer, email in links
        ]
        self.lake.write(LINKS, THEN, filled(LINKS, *rows).to_pyarrow())
        self.lake.write(PUBLISHED.key, THEN, filled(PUBLISHED.key, {"customer_id": "a"}).to_pyarrow())

    def read(self, table: str, partition: str, *rows: dict[str, Any]) -> None:
        window = datetime.fromisoformat(f"{partition[:10]}T00:00:00+00:00")
        read = {"_window": window, "_extracted_at": NEXT_NIGHT, "_deleted": False}
        self.lake.write(table, partition, filled(table, *({**read, **row} for row in rows)).to_pyarrow())

    def late(self) -> LateRecords:
        (published,) = self.lake.files(PUBLISHED.key)
        return late_records(Hindsight(self.folder / "later", self.lake, DAY), published)

    def concerned(self) -> list[str]:
        return list(self.late().customers)


@pytest.fixture
def systems(tmp_path: Path) -> Systems:
    return Systems(tmp_path)


def test_nothing_is_late_where_nothing_was_read_since(systems: Systems) -> None:
    assert systems.concerned() == []


def test_what_was_read_before_and_what_is_new_are_not_late(systems: Systems) -> None:
    new = {"id": "ch_2", "customer_id": "cus_c", "changed_at": NEXT_NIGHT}
    systems.read("stripe/charges", DAY, CHARGE, new)
    assert systems.concerned() == []


def test_a_record_of_the_day_that_was_read_later_is_late(systems: Systems) -> None:
    systems.read("stripe/charges", DAY, {**CHARGE, "id": "ch_3"})
    assert systems.late() == LateRecords(["a"], frozenset({"stripe/charges"}))


def test_a_message_concerns_whose_conversation_it_is_in(systems: Systems) -> None:
    part = {"id": "part", "conversation_id": "talk", "changed_at": NOON}
    systems.read("intercom/conversation_parts", f"{DAY}T0000", part)
    assert systems.concerned() == ["b"]


def test_a_window_of_the_day_that_was_read_again_is_late_and_addresses_name_people(systems: Systems) -> None:
    systems.read("stripe/customers", THEN, {"id": "unknown", "email": "C@acme.com", "changed_at": NOON})
    assert systems.concerned() == ["c"]
