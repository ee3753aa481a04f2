"""BigQuery's official client against a small server on loopback; skipped where the client is not installed."""

from collections.abc import Iterator

import pytest

from gtm_platform.lake.contracts import Column
from gtm_platform.publish.bigquery.settings import BigQuerySettings
from gtm_platform.publish.bigquery.warehouse import NAMES, BigQuery, opened
from gtm_platform.publish.columns import CannotPublish
from gtm_platform.publish.warehouse import DayRows, WarehouseFailed
from gtm_platform.settings import settings
from gtm_platform_tests.postgres_server import free_port
from gtm_platform_tests.publish import marts
from gtm_platform_tests.publish.bigquery_server import Store, running
from gtm_platform_tests.publish.marts import ACCOUNTS, DAY, NEXT, account, accounts, schema

RULES = marts.rules(warehouse="bigquery", tables=(ACCOUNTS,))
pytest.importorskip("google.cloud.bigquery", reason="pip install 'gtm-platform[bigquery]'")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Store, BigQuery]]:
    monkeypatch.setenv("GTM_NOW", f"{NEXT}T12:00:00+00:00")
    settings.cache_clear()
    port = free_port()
    config = BigQuerySettings(publish_bigquery_project="acme", publish_bigquery_url=f"http://127.0.0.1:{port}")
    with running(port) as store, opened(config, "gtm") as warehouse:
        yield store, warehouse


def test_a_day_is_published_replaced_and_counted(server: tuple[Store, BigQuery]) -> None:
    store, warehouse = server
    marts.publish_two_days(RULES, warehouse)
    least, full = store.db.execute(
        "select mrr::varchar, exact::varchar, seats, tags, amounts::varchar[], reasons, seen_at at time zone 'UTC' "
        "from gtm.accounts where as_of = date '2026-03-01' and account_id in ('acc_000', 'acc_002') order by account_id"
    ).fetchall()
    assert full[:3] == ("2.99", "12345678901234567890123456787.123456789", 2**62 + 2)
    assert full[3:6] == (
        ["plain", 'quoted "," \\ {}', "", "Ärger\n"],
        ["1.000000001", "-2.500000000"],
        '[{"column":"seats","value":0.1}]',
    )
    assert str(full[6]) == "2026-02-28 23:59:59.123458"
    assert least == (None, None, None, [], [], None, None)


def test_columns_are_added_and_nothing_else(server: tuple[Store, BigQuery]) -> None:
    store, warehouse = server
    marts.write(ACCOUNTS, DAY, accounts(1), marts.declare_accounts())
    with schema(RULES) as gtm:
        gtm.publish(warehouse, gtm.due()[0], "run")
        wider = marts.declare_accounts(owner=Column("string", "Whose it is."))
        marts.write(ACCOUNTS, NEXT, [account(0, NEXT, owner="Noor")], wider)
        for due in gtm.due():
            gtm.publish(warehouse, due, "run")
        assert store.db.execute("select owner from gtm.accounts order by as_of").fetchall() == [(None,), ("Noor",)]
        marts.declare_accounts(owner=Column("string", "Whose it is."), seats=Column("float64", "How many."))
        with pytest.raises(CannotPublish, match=r"seats is INTEGER in the warehouse and FLOAT here"):
            gtm.publish(warehouse, gtm.due()[0], "run")


def test_rows_of_another_day_are_refused_and_the_day_stays(server: tuple[Store, BigQuery]) -> None:
    _, warehouse = server
    marts.write(ACCOUNTS, DAY, accounts(3), marts.declare_accounts())
    with schema(RULES) as gtm:
        [due] = gtm.due()
        gtm.publish(warehouse, due, "run")
        target = gtm.target(ACCOUNTS, warehouse.names)
        rows = gtm.rows(due, target, warehouse.names)
        moved = rows.query.replace('"as_of",', "date '2026-03-09' as as_of,", 1)
        with pytest.raises(WarehouseFailed, match="different partitions"):
            warehouse.replace(target, DayRows(DAY, moved, 3))
        assert warehouse.counts(target) == {DAY: 3}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("decimal(38, 9)", "NUMERIC(38,9)"),
        ("decimal(18, 2)", "NUMERIC(18,2)"),
        ("decimal(38, 2)", "BIGNUMERIC(38,2)"),
        ("decimal(20, 12)", "BIGNUMERIC(20,12)"),
        ("array<decimal(28, 9)>", "REPEATED NUMERIC(28,9)"),
        ("array<struct<a: string>>", "STRING"),
    ],
)
def test_a_decimal_has_room_for_its_digits(kind: str, name: str) -> None:
    import ibis.expr.datatypes as dt

    assert NAMES.of(dt.dtype(kind)) == name
