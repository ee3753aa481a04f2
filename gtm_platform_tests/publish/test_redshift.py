"""The statements for Redshift on a Postgres server, which it descends from; the COPY from a bucket is replaced.

What stands in for it loads the very file that would lie in the bucket. Redshift itself was not at hand.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from gtm_platform.lake.contracts import Column
from gtm_platform.publish.columns import CannotPublish
from gtm_platform.publish.redshift.settings import RedshiftSettings
from gtm_platform.publish.redshift.warehouse import Redshift, bucket_stage
from gtm_platform.publish.warehouse import WarehouseFailed
from gtm_platform.settings import settings
from gtm_platform_tests.postgres_server import running
from gtm_platform_tests.publish import marts
from gtm_platform_tests.publish.marts import ACCOUNTS, DAY, NEXT, account, accounts, schema

RULES = marts.rules(warehouse="redshift", tables=(ACCOUNTS,))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    pytest.importorskip("psycopg2", reason="pip install 'gtm-platform[postgres]'")
    with running() as url:
        yield url


class OnPostgres(Redshift):
    """The statements as they are, but for the COPY, which has the file of the stage as CSV."""

    def _do(self, statement: str) -> Any:
        if not statement.startswith("copy "):
            return super()._do(statement)
        table, _, path = statement.removeprefix("copy ").partition(" ")
        csv = Path(path).with_suffix(".csv")
        with duckdb.connect() as connection:
            connection.execute("set TimeZone='UTC'")
            connection.execute(f"copy (from '{path}') to '{csv}' (format csv, header false, nullstr '\\N')")
        cursor = self.connection.cursor()
        with csv.open() as lines:
            cursor.copy_expert(f"copy {table} from stdin (format csv, null '\\N')", lines)
        return cursor


@contextmanager
def stage(path: Path, name: str) -> Iterator[str]:  # noqa: ARG001
    yield str(path)


@pytest.fixture
def warehouse(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redshift]:
    import psycopg2

    monkeypatch.setenv("GTM_NOW", f"{NEXT}T12:00:00+00:00")
    settings.cache_clear()
    with closing(psycopg2.connect(server)) as connection:
        with connection.cursor() as cursor:
            cursor.execute("drop schema if exists gtm cascade")
        connection.commit()
        yield OnPostgres(connection, stage, psycopg2.Error, options="")


def answer(warehouse: Redshift, query: str) -> list[tuple[Any, ...]]:
    return warehouse._ask(query)


def test_a_day_is_published_replaced_and_counted(warehouse: Redshift) -> None:
    marts.publish_two_days(RULES, warehouse)
    [row] = answer(
        warehouse,
        "select mrr::text, exact::text, seats, tags::json ->> 1, reasons::json -> 0 ->> 'column', "
        "(seen_at at time zone 'utc')::text from gtm.accounts where as_of = '2026-03-01' and account_id = 'acc_002'",
    )
    assert row == (
        "2.99",
        "12345678901234567890123456787.123456789",
        2**62 + 2,
        'quoted "," \\ {}',
        "seats",
        "2026-02-28 23:59:59.123458",
    )


def test_columns_are_added_and_nothing_else(warehouse: Redshift) -> None:
    marts.write(ACCOUNTS, DAY, accounts(1), marts.declare_accounts())
    with schema(RULES) as gtm:
        gtm.publish(warehouse, gtm.due()[0], "run")
        wider = marts.declare_accounts(owner=Column("string", "Whose it is."))
        marts.write(ACCOUNTS, NEXT, [account(0, NEXT, owner="Noor")], wider)
        for due in gtm.due():
            gtm.publish(warehouse, due, "run")
        assert answer(warehouse, "select owner from gtm.accounts order by as_of") == [(None,), ("Noor",)]
        marts.declare_accounts(owner=Column("string", "Whose it is."), mrr=Column("decimal(9, 2)", "Less."))
        with pytest.raises(CannotPublish, match=r"mrr is numeric\(18,2\) in the warehouse and numeric\(9,2\) here"):
            gtm.publish(warehouse, gtm.due()[0], "run")


def test_what_fails_after_the_deletion_leaves_the_day_as_it_was(warehouse: Redshift) -> None:
    contract = marts.declare_accounts()
    marts.write(ACCOUNTS, DAY, accounts(3), contract)
    with schema(RULES) as gtm:
        gtm.publish(warehouse, gtm.due()[0], "run")
        warehouse._do("alter table gtm.accounts add check (account_id <> 'acc_004')")
        warehouse.connection.commit()
        marts.write(ACCOUNTS, DAY, accounts(5), contract)
        with pytest.raises(WarehouseFailed, match="violates check constraint"):
            gtm.publish(warehouse, gtm.due()[0], "run")
        assert warehouse.counts(gtm.target(ACCOUNTS, warehouse.names)) == {DAY: 3}


def test_a_file_is_put_into_the_bucket_named_in_the_copy_and_deleted(tmp_path: Path) -> None:
    calls: list[tuple[Any, ...]] = []
    objects = SimpleNamespace(
        upload_file=lambda *of: calls.append(("put", *of)), delete_object=lambda **of: calls.append(("delete", of))
    )
    config = RedshiftSettings(
        publish_redshift_stage="s3://acme/gtm/", publish_redshift_iam_role="arn:aws:iam::1:role/x"
    )
    with bucket_stage(config, objects)(tmp_path / "a.parquet", "accounts") as source:
        [(_, file, bucket, key)] = calls
        assert (file, bucket) == (str(tmp_path / "a.parquet"), "acme")
        assert key.startswith("gtm/accounts.")
        assert source == f"from 's3://acme/{key}' iam_role 'arn:aws:iam::1:role/x' format as parquet"
    assert calls[1] == ("delete", {"Bucket": "acme", "Key": key})
