"""Contacts that were merged, and merged again: one customer, whatever the order, and even where the data go round."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations

import pytest

from gtm_platform_tests.identity.test_links import linked
from gtm_platform_tests.tables import DAY, Row, by


def contact(name: str, *merged: str) -> Row:
    return {"id": name, "email": f"{name}@acme.example", "merged_ids": list(merged)}


def customers(contacts: Sequence[Row], **more: object) -> dict[str, str]:
    return {key: row["customer_id"] for key, row in by("record_id", linked(hubspot=contacts, **more)).items()}  # type: ignore[arg-type]


@pytest.mark.faults("P21")
def test_a_chain_of_merges_is_one_customer_whatever_the_order() -> None:
    """A into B into C; the lost ones may be listed still."""
    chain = (contact("a"), contact("b", "a"), contact("c", "b"))
    found = [customers(order) for order in permutations(chain)]
    assert all(each == found[0] for each in found)
    assert len(set(found[0].values())) == 1


@pytest.mark.faults("P21")
@pytest.mark.parametrize("length", [2, 3, 7])
def test_merges_that_go_round_end(length: int) -> None:
    names = [f"h{n}" for n in range(length)]
    ring = [contact(name, names[n - 1]) for n, name in enumerate(names)]
    assert len(set(customers(ring).values())) == 1


@pytest.mark.faults("P21")
def test_a_contact_merged_into_itself_is_itself() -> None:
    found = customers([contact("a", "a"), contact("b")])
    assert len(set(found.values())) == 2


@pytest.mark.faults("P21")
def test_who_was_merged_away_is_found_by_the_former_id_and_who_is_no_longer_merged_is_somebody_again() -> None:
    first = linked(hubspot=[contact("a"), contact("b"), contact("c")])
    before = {key: row["customer_id"] for key, row in by("record_id", first).items()}
    merged = linked(hubspot=[contact("c", "a", "b")], previous=first, day=DAY + timedelta(days=1))
    (row,) = by("record_id", merged).values()
    assert {row["customer_id"], *row["aliases"]} == set(before.values())
    parted = linked(hubspot=[contact("a"), contact("c", "b")], previous=merged, day=DAY + timedelta(days=2))
    after = {key: found["customer_id"] for key, found in by("record_id", parted).items()}
    assert after["a"] != after["c"]
    assert after["c"] == row["customer_id"]
