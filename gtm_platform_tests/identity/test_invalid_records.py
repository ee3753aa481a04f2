"""Which person records are out of date, as their newest version is in quarantine."""

from typing import Any

from gtm_platform.identity import invalid_records
from gtm_platform.identity.invalid_records import quarantine_of
from gtm_platform.identity.person_records import FEEDS
from gtm_platform_tests.tables import computed, days_ago, filled, person_tables, rows_of


def invalid(**rejected: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """The invalid ones of two records of one customer, both read two days ago."""
    table = computed(
        invalid_records.table,
        "identity/invalid_records",
        links=filled(
            "identity/links",
            *[
                {"source": source, "record_id": id, "customer_id": "a", "match_method": "email"}
                for source, id in (("hubspot", "h1"), ("stripe", "s1"))
            ],
        ),
        records=person_tables(
            hubspot=[{"id": "h1", "_extracted_at": days_ago(2)}], stripe=[{"id": "s1", "_extracted_at": days_ago(2)}]
        ),
        rejected={feed.source: filled(quarantine_of(feed), *rejected.get(feed.source, [])) for feed in FEEDS},
    )
    return {(row["source"], row["record_id"], row["customer_id"]) for row in rows_of(table)}


def version(days: int, id: str = "h1") -> dict[str, Any]:
    """A version of a record that was rejected so many days ago."""
    return {"digest": f"{id}{days}", "record_id": id, "_extracted_at": days_ago(days)}


def test_a_record_is_invalid_while_its_newest_version_is_in_quarantine() -> None:
    assert invalid() == set()
    assert invalid(hubspot=[version(1)]) == {("hubspot", "h1", "a")}
    assert invalid(hubspot=[version(3)]) == set(), "a valid version came later"


def test_several_rejected_versions_are_one_invalid_record() -> None:
    assert invalid(hubspot=[version(1), version(0)]) == {("hubspot", "h1", "a")}


def test_what_is_no_record_of_anybody_or_of_another_source_does_not_count() -> None:
    assert invalid(hubspot=[version(1, "other")], stripe=[version(1, "h1")]) == set()
