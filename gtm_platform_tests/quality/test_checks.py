"""The checks that span rooms, over a handful of rows: what they name, and what they leave alone."""

from datetime import UTC, datetime, timedelta

import ibis
import pytest

from gtm_platform.core.checks import fallen_count
from gtm_platform.health.checks import customers_without_health
from gtm_platform.identity.checks import customers_without_person, unlinked_records
from gtm_platform.policy import policy
from gtm_platform.quality.checks import overdue_sources
from gtm_platform.unified.checks import people_not_once
from gtm_platform_tests.tables import DAY, filled, person_tables, rows_as_table, rows_of

SYNCED = ibis.schema({"table": "string", "source": "string", "synced_at": "timestamp('UTC', 6)"})


def test_a_source_is_overdue_after_its_cadence_and_the_grace() -> None:
    end = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(days=1)
    grace = policy().quality.overdue_hours
    times = {
        "a/late": end - timedelta(hours=6 + grace, seconds=1),
        "a/in_time": end - timedelta(hours=6 + grace),
        "a/later": end - timedelta(hours=9 + grace),
        "b/daily": end - timedelta(hours=24 + grace),
    }
    synced = rows_as_table(SYNCED, [{"table": t, "source": t[0], "synced_at": at} for t, at in times.items()])
    cadences = {"a/late": 6, "a/later": 6, "a/in_time": 6, "b/daily": 24}
    [late] = rows_of(overdue_sources(synced, cadences, policy(), DAY))
    assert (late["source"], late["tables"]) == ("a", "a/late, a/later")
    assert (late["hours_old"], late["hours_allowed"]) == (9 + grace, 6 + grace)


@pytest.mark.parametrize(("now", "before", "fell"), [(8, 10, False), (7, 10, True), (0, 10, True), (5, 0, False)])
def test_a_fall_of_more_than_a_fifth_is_suspicious(now: int, before: int, fell: bool) -> None:
    def customers(count: int) -> ibis.Table:
        return filled("core/profile", *[{"customer_id": str(n), "is_customer": n < count} for n in range(12)])

    rows = rows_of(fallen_count(customers(now), customers(before), policy(), DAY))
    assert [(row["customers"], row["customers_before"]) for row in rows] == ([(now, before)] if fell else [])


def test_no_fall_is_seen_where_there_was_no_day_before() -> None:
    single = filled("core/profile", {"customer_id": "a", "is_customer": True})
    assert rows_of(fallen_count(single, filled("core/profile"), policy(), DAY)) == []


def test_every_current_customer_has_health_and_nobody_else() -> None:
    statuses = {"a": True, "b": True, "c": False, "d": False}
    profile = filled("core/profile", *[{"customer_id": c, "is_customer": is_} for c, is_ in statuses.items()])
    health = filled("health/customer_health", {"customer_id": "a"}, {"customer_id": "c"})
    wrong = {row["customer_id"]: row["wrong"] for row in rows_of(customers_without_health(profile, health))}
    assert wrong == {"b": "a current customer without health", "c": "health of who is no current customer"}


def test_every_record_is_linked_and_every_customer_a_person() -> None:
    records = person_tables(hubspot=[{"id": "1"}], intercom=[{"id": "1"}])
    links = filled(
        "identity/links", {"source": "hubspot", "record_id": "1", "customer_id": "a", "match_method": "email"}
    )
    assert rows_of(unlinked_records(links, records)) == [{"source": "intercom", "record_id": "1"}]
    people = filled("identity/people", {"customer_id": "b"})
    missing = {row["customer_id"]: row["missing_in"] for row in rows_of(customers_without_person(links, people))}
    assert missing == {"a": "identity/people", "b": "identity/links"}


def test_everybody_is_once_in_the_wide_table() -> None:
    people = filled("identity/people", {"customer_id": "a"}, {"customer_id": "b"}, {"customer_id": "c"})
    wide = filled("core/unified_customers", *[{"customer_id": c} for c in ("a", "b", "b", "d")])
    assert {row["customer_id"]: row["rows"] for row in rows_of(people_not_once(people, wide))} == {
        "b": 2,
        "c": 0,
        "d": 1,
    }
