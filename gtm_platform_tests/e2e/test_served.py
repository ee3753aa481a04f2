"""What is served after a day is what the lake says of it; nobody outside the lake is in it."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import orjson
import pytest

from gtm_platform.serving.store import CustomerQuery, the_store
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform_tests.e2e.conftest import DAYS, Lived
from gtm_platform_tests.e2e.home import frame, queried

WIDE = "core/unified_customers"


def test_the_newest_day_is_served(at_home: Lived) -> None:
    snapshot = the_store().current()
    wide = frame(at_home.home, WIDE, str(DAYS[-1]))
    assert snapshot.as_of == str(DAYS[-1])
    everybody = snapshot.customers(CustomerQuery(customers="all", limit=1000))
    assert {row["customer_id"] for row in everybody.rows(personal=False)} == set(wide["customer_id"])
    [[customers, mrr]] = queried(
        at_home.home, "select count(*), sum(mrr_reporting)::double from latest.unified_customers where is_customer"
    )
    listed = snapshot.customers(CustomerQuery())
    assert (listed.total, listed.total_mrr) == (customers, pytest.approx(mrr))
    metrics = orjson.loads(snapshot.fact("summary"))["metrics"]
    assert (metrics["customers"]["value"], metrics["mrr"]["value"]) == (customers, pytest.approx(mrr))


def test_nobody_without_the_scope_sees_an_address(at_home: Lived) -> None:
    wide = frame(at_home.home, WIDE, str(DAYS[-1]))
    managers = set(wide["assigned_am_email"].dropna())
    bodies = the_store().current().customers(CustomerQuery(customers="all", limit=1000)).bodies(personal=False)
    for body in bodies:
        text = body.decode()
        for manager in managers:
            text = text.replace(manager, "")
        assert "@" not in text


def test_what_is_shown_of_the_platform_is_of_this_home(at_home: Lived) -> None:
    snapshot = the_store().current()
    freshness = orjson.loads(snapshot.fact("freshness"))
    assert {source["source"] for source in freshness["sources"]} == {source.name for source in SCHEDULED}
    assert all(datetime.fromisoformat(source["synced_at"]) <= datetime.now(UTC) for source in freshness["sources"])
    jobs = {orjson.loads(body)["job"] for body, _ in snapshot.sync_runs(200)}
    assert {"sync_stripe", "daily_tables"} <= jobs
    sent = journaled_alerts(at_home)
    assert {orjson.loads(body)["id"] for body, _ in snapshot.alerts(1000)} <= sent


def journaled_alerts(lived: Lived) -> set[int]:
    with closing(sqlite3.connect(lived.home / "state.db")) as db:
        return {id for (id,) in db.execute("select id from slack_messages")}
