"""Tables published to a real Postgres; skipped where none is installed.

The oracle reads Postgres by psql, which shares no code with what wrote it.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.lake.contracts import Column
from gtm_platform.policy.publish import PublishedSchema
from gtm_platform.publish.columns import CannotPublish
from gtm_platform.publish.postgres.settings import PostgresSettings
from gtm_platform.publish.postgres.warehouse import Postgres, opened
from gtm_platform.publish.publishing import Schema, differences
from gtm_platform.publish.warehouse import DayRows, Target, WarehouseFailed
from gtm_platform.settings import settings
from gtm_platform_tests.postgres_server import binaries, running
from gtm_platform_tests.publish import marts
from gtm_platform_tests.publish.marts import ACCOUNTS, DAY, NEXT, PLANS, account, accounts, schema

RUN = "0123"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    pytest.importorskip("duckdb_extension_postgres_scanner", reason="pip install 'gtm-platform[postgres]'")
    with running() as url:
        yield url


@contextmanager
def connected(url: str) -> Iterator[Postgres]:
    with opened(PostgresSettings(publish_postgres_url=url), "gtm") as warehouse:
        yield warehouse


@pytest.fixture
def warehouse(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postgres]:
    """An empty one, on a day of these tests."""
    for name in ("gtm", "gtm_days", "gtm_loading"):
        psql(server, f"drop schema if exists {name} cascade")
    monkeypatch.setenv("GTM_NOW", f"{NEXT}T12:00:00+00:00")
    settings.cache_clear()
    with connected(server) as opened_warehouse:
        yield opened_warehouse


def psql(url: str, statement: str) -> str:
    """Run a statement by Postgres' own client."""
    programs = binaries()
    assert programs
    command = [str(programs / "psql"), url, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def rows(url: str, query: str) -> list[dict[str, Any]]:
    """Return the rows of a query, decimals as they are."""
    text = psql(url, f"select coalesce(json_agg(r), '[]') from ({query}) r")
    answer: list[dict[str, Any]] = json.loads(text, parse_float=Decimal)
    return answer


def publish(gtm: Schema, warehouse: Postgres) -> list[tuple[str, str, str]]:
    """Publish what is due, and return it."""
    due = gtm.due()
    for each in due:
        gtm.publish(warehouse, each, RUN)
    return [(each.table, each.day, each.reason) for each in due]


def only(*tables: str, **more_rules: Any) -> PublishedSchema:
    return marts.rules(tables=tables or (ACCOUNTS,), **more_rules)


def test_every_value_arrives_as_it_is(warehouse: Postgres) -> None:
    contract = marts.declare_accounts()
    marts.write(ACCOUNTS, DAY, accounts(4), contract)
    with schema(only(personal=(f"{ACCOUNTS}.email",))) as gtm:
        publish(gtm, warehouse)
    texts = ", ".join(f"{name}::text" for name in ("exact", "seats", "score", "tags", "amounts", "reasons"))
    times = "to_char(seen_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US') as seen_at"
    [least, full] = rows(
        warehouse.url,
        f"select account_id, as_of, email, mrr::text, is_customer, {texts}, {times} from gtm.accounts "
        "where account_id in ('acc_000', 'acc_002') order by 1",
    )
    assert full == {
        "account_id": "acc_002",
        "as_of": DAY,
        "email": "a2@firm.example",
        "mrr": "2.99",
        "is_customer": True,
        "exact": "12345678901234567890123456787.123456789",
        "seats": str(2**62 + 2),
        "score": "0.6666666666666666",
        "tags": '{plain,"quoted \\",\\" \\\\ {}","","Ärger\n"}',
        "amounts": "{1.000000001,-2.500000000}",
        "reasons": '[{"column":"seats","value":0.1}]',
        "seen_at": "2026-02-28 23:59:59.123458",
    }
    assert least == {**dict.fromkeys(full), "account_id": "acc_000", "as_of": DAY, "is_customer": True}


def test_the_types_are_those_of_the_contract(warehouse: Postgres) -> None:
    marts.write(ACCOUNTS, DAY, accounts(1), marts.declare_accounts())
    with schema(only()) as gtm:
        publish(gtm, warehouse)
        assert warehouse.columns(gtm.target(ACCOUNTS, warehouse.names)) == {
            "as_of": "date",
            "account_id": "text",
            "mrr": "numeric(18,2)",
            "exact": "numeric(38,9)",
            "seats": "bigint",
            "score": "double precision",
            "is_customer": "boolean",
            "seen_at": "timestamp with time zone",
            "tags": "text[]",
            "amounts": "numeric(28,9)[]",
            "reasons": "json",
        }, "and no personal column"


def test_only_what_was_made_again_is_published_again(warehouse: Postgres) -> None:
    contract, plans = marts.declare_accounts(), marts.declare_plans()
    for day in (DAY, NEXT):
        marts.write(ACCOUNTS, day, accounts(5, day), contract)
        marts.write(PLANS, day, [{"plan": "basic", "accounts": 1}], plans)
    with schema() as gtm:
        assert publish(gtm, warehouse) == [
            (ACCOUNTS, DAY, "new"), (PLANS, DAY, "new"), (ACCOUNTS, NEXT, "new"), (PLANS, NEXT, "new")
        ]  # fmt: skip
        assert publish(gtm, warehouse) == []
        marts.write(ACCOUNTS, DAY, accounts(7), contract)
        assert publish(gtm, warehouse) == [(ACCOUNTS, DAY, "made again")]
        assert publish(gtm, warehouse) == []
        kept = gtm.receipts()
    counts = "select as_of, count(*) as n from gtm.{} group by 1 order by 1"
    assert rows(warehouse.url, counts.format("accounts")) == [{"as_of": DAY, "n": 7}, {"as_of": NEXT, "n": 5}]
    assert rows(warehouse.url, counts.format("plans")) == [{"as_of": DAY, "n": 1}, {"as_of": NEXT, "n": 1}]
    assert {key: receipt.rows for key, receipt in kept.items()} == {
        (ACCOUNTS, DAY): 7, (ACCOUNTS, NEXT): 5, (PLANS, DAY): 1, (PLANS, NEXT): 1
    }  # fmt: skip
    assert psql(warehouse.url, "select count(*) from pg_tables where schemaname = 'gtm_days'") == "4"
    assert psql(warehouse.url, "select count(*) from pg_tables where schemaname = 'gtm_loading'") == "0"


def test_a_day_that_is_too_old_is_left_and_one_that_was_published_never_is(
    warehouse: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = marts.declare_accounts()
    marts.write(ACCOUNTS, DAY, accounts(1), contract)
    monkeypatch.setenv("GTM_NOW", "2026-05-01T12:00:00+00:00")
    settings.cache_clear()
    with schema(only()) as gtm:
        assert gtm.due() == []
        [due] = gtm.due_of(ACCOUNTS, [DAY])
        gtm.publish(warehouse, due, RUN)
        marts.write(ACCOUNTS, DAY, accounts(2), contract)
        assert [each.reason for each in gtm.due()] == ["made again"]


def test_a_new_column_is_added_and_null_before(warehouse: Postgres) -> None:
    marts.write(ACCOUNTS, DAY, accounts(1), marts.declare_accounts())
    with schema(only()) as gtm:
        publish(gtm, warehouse)
        wider = marts.declare_accounts(owner=Column("string", "Whose it is."))
        marts.write(ACCOUNTS, NEXT, [account(0, NEXT, owner="Noor")], wider)
        assert publish(gtm, warehouse) == [(ACCOUNTS, DAY, "other columns"), (ACCOUNTS, NEXT, "new")]
    owners = rows(warehouse.url, "select as_of, owner from gtm.accounts order by 1")
    assert owners == [{"as_of": DAY, "owner": None}, {"as_of": NEXT, "owner": "Noor"}]


CHANGES = {
    "narrower": (
        {"exact": Column("decimal(18, 9)", "Less.")},
        r"gtm\.accounts\.exact is numeric\(38,9\) in the warehouse",
    ),
    "wider": ({"mrr": Column("decimal(38, 2)", "More.")}, "columns are only added, never changed.*--again"),
    "renamed": ({"seats": None, "places": Column("int64", "How many.")}, r"has a column seats .* drop column seats"),
    "removed": ({"tags": None}, "was renamed, removed, or is personal and no longer allowed"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_other_change_of_columns_is_refused(warehouse: Postgres, change: str) -> None:
    marts.write(ACCOUNTS, DAY, accounts(3), marts.declare_accounts())
    with schema(only()) as gtm:
        publish(gtm, warehouse)
        columns, sentence = CHANGES[change]
        contract = marts.declare_accounts(**columns)
        least = [{"account_id": "acc_0", "as_of": account(0)["as_of"], "is_customer": True}]
        marts.write(ACCOUNTS, DAY, least, contract)
        with pytest.raises(CannotPublish, match=sentence):
            publish(gtm, warehouse)
    assert psql(warehouse.url, "select count(*) from gtm.accounts") == "3"


def test_the_way_out_of_a_refusal_works_and_keeps_the_history(warehouse: Postgres) -> None:
    marts.write(ACCOUNTS, DAY, accounts(3), marts.declare_accounts())
    with schema(only()) as gtm:
        publish(gtm, warehouse)
        marts.write(ACCOUNTS, DAY, [], marts.declare_accounts(exact=Column("int64", "Whole.")))
        with pytest.raises(CannotPublish) as refusal:
            publish(gtm, warehouse)
        psql(warehouse.url, str(refusal.value).partition("there (")[2].partition(")")[0])
        gtm.forget([DAY])
        assert publish(gtm, warehouse) == [(ACCOUNTS, DAY, "new")]
    assert psql(warehouse.url, "select count(*) from gtm.accounts_before") == "3"
    assert psql(warehouse.url, "select count(*) from gtm.accounts") == "0"


def test_a_personal_column_that_is_no_longer_allowed_is_not_left_there_unseen(warehouse: Postgres) -> None:
    marts.write(ACCOUNTS, DAY, accounts(3), marts.declare_accounts())
    with schema(only(personal=(f"{ACCOUNTS}.*",))) as gtm:
        publish(gtm, warehouse)
    with schema(only()) as gtm:
        with pytest.raises(CannotPublish, match=r"alter table gtm\.accounts drop column email"):
            publish(gtm, warehouse)
        psql(warehouse.url, "alter table gtm.accounts drop column email")
        assert publish(gtm, warehouse) == [(ACCOUNTS, DAY, "other columns")]


def test_rows_that_somebody_changed_in_the_warehouse_are_seen(warehouse: Postgres) -> None:
    marts.write(ACCOUNTS, DAY, accounts(4), marts.declare_accounts())
    with schema(only()) as gtm:
        publish(gtm, warehouse)
        assert list(differences(gtm, warehouse)) == []
        psql(warehouse.url, "delete from gtm.accounts where account_id = 'acc_001'")
        [difference] = differences(gtm, warehouse)
        assert (difference.day, difference.published, difference.counted) == (DAY, 4, 3)


def test_a_count_that_differs_leaves_the_day_as_it_was(warehouse: Postgres) -> None:
    marts.write(ACCOUNTS, DAY, accounts(4), marts.declare_accounts())
    with schema(only()) as gtm:
        publish(gtm, warehouse)
        target = gtm.target(ACCOUNTS, warehouse.names)
        [due] = gtm.due_of(ACCOUNTS, [DAY]) or [replace_due(gtm)]
        wrong = replace(gtm.rows(due, target, warehouse.names), rows=5)
        with pytest.raises(WarehouseFailed, match=r"gtm\.accounts got 4 rows of 2026-03-01 and the lake has 5"):
            warehouse.replace(target, wrong)
    assert psql(warehouse.url, "select count(*) from gtm.accounts") == "4"


def replace_due(gtm: Schema) -> Any:
    gtm.forget([DAY])
    return gtm.due_of(ACCOUNTS, [DAY])[0]


def test_what_the_server_refuses_is_said_without_a_value(warehouse: Postgres) -> None:
    contract = marts.declare_accounts()
    marts.write(ACCOUNTS, DAY, accounts(2), contract)
    with schema(only(personal=(f"{ACCOUNTS}.*",))) as gtm:
        target = gtm.target(ACCOUNTS, warehouse.names)
        warehouse.create(target)
        twice = " union all ".join([gtm.rows(gtm.due()[0], target, warehouse.names).query] * 2)
        with pytest.raises(WarehouseFailed) as failure:
            warehouse.replace(target, DayRows(DAY, twice, 4))
    assert "could not create unique index" in str(failure.value)
    assert "acc_" not in str(failure.value)
    assert "firm.example" not in str(failure.value)


def test_a_reader_sees_the_old_rows_or_the_new_ones(warehouse: Postgres) -> None:
    """While a day is replaced again and again, each time by another number of rows, all with the same mark."""
    contract = marts.declare_accounts()
    counts = "select count(*) || ' ' || coalesce(max(seats), 0) || ' ' || coalesce(min(seats), 0) from gtm.accounts"
    with schema(only()) as gtm:
        marts.write(ACCOUNTS, DAY, marked(1), contract)
        publish(gtm, warehouse)
        loop = f"select $$ {counts} $$ \\gexec\n" * 400
        command = [str((binaries() or Path()) / "psql"), warehouse.url, "-XAtq"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdin
            assert reader.stdout
            reader.stdin.write(loop)
            reader.stdin.close()
            for number in range(2, 6):
                marts.write(ACCOUNTS, DAY, marked(number), contract)
                publish(gtm, warehouse)
            seen = reader.stdout.read().split("\n")[:-1]
    assert len(seen) == 400
    assert set(seen) <= {f"{number * 10} {number} {number}" for number in range(1, 6)}


def marked(number: int) -> list[dict[str, Any]]:
    return [account(each, seats=number) for each in range(number * 10)]


class Slow(Postgres):
    """A connection whose process is killed when a statement begins."""

    def _run(self, statement: str) -> Any:
        if os.environ["KILLED_AT"] in statement:
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._run(statement)


def publish_and_die(url: str) -> None:
    """In a process of its own: publish what is due, until the statement at which it is killed."""
    marts.declare_accounts()
    with connected(url) as warehouse, schema(only()) as gtm:
        publish(gtm, Slow(warehouse.connection, warehouse.url))


@pytest.mark.soak
@pytest.mark.parametrize("statement", ["set datestyle", "insert into", "set schema", "attach partition", "commit"])
def test_a_kill_at_any_statement_leaves_the_day_as_it_was(warehouse: Postgres, statement: str) -> None:
    contract = marts.declare_accounts()
    marts.write(ACCOUNTS, DAY, accounts(3), contract)
    with schema(only()) as gtm:
        publish(gtm, warehouse)
        marts.write(ACCOUNTS, DAY, accounts(8), contract)
        script = f"from {__name__} import publish_and_die; publish_and_die({warehouse.url!r})"
        environment = {**os.environ, "KILLED_AT": statement.replace("set datestyle", "set local datestyle")}
        assert subprocess.run([sys.executable, "-c", script], env=environment).returncode == -signal.SIGKILL
        assert psql(warehouse.url, "select count(*) from gtm.accounts") == "3"
        assert psql(warehouse.url, "select count(*) from pg_tables where schemaname = 'gtm_loading'") == "0"
        assert publish(gtm, warehouse) == [(ACCOUNTS, DAY, "made again")]
    assert psql(warehouse.url, "select count(*) from gtm.accounts") == "8"


def test_a_reader_who_does_not_end_is_not_waited_for_for_ever(warehouse: Postgres) -> None:
    contract = marts.declare_accounts()
    marts.write(ACCOUNTS, DAY, accounts(3), contract)
    command = [str((binaries() or Path()) / "psql"), warehouse.url, "-XAtq"]
    with schema(only()) as gtm:
        publish(gtm, warehouse)
        marts.write(ACCOUNTS, DAY, accounts(4), contract)
        impatient = replace(warehouse, lock_tries=1, lock_seconds=1)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdin
            assert reader.stdout
            reader.stdin.write("begin; select count(*) from gtm.accounts;\n")
            reader.stdin.flush()
            assert reader.stdout.readline().strip() == "3"
            with pytest.raises(WarehouseFailed, match="lock timeout"):
                publish(gtm, impatient)
            reader.stdin.write("select count(*) from gtm.accounts;\n")
            reader.stdin.close()
            assert reader.stdout.read().strip() == "3"
        assert publish(gtm, warehouse) == [(ACCOUNTS, DAY, "made again")]


def test_the_password_is_in_no_error() -> None:
    url = "postgresql://gtm:secret-word@127.0.0.1:1/postgres"
    with pytest.raises(WarehouseFailed) as failure, connected(url):
        pass
    assert "secret-word" not in str(failure.value)


def test_a_user_who_may_make_no_schema_publishes_into_those_that_are_there(warehouse: Postgres) -> None:
    psql(warehouse.url, "drop role if exists publisher")
    psql(warehouse.url, "create role publisher login")
    for name in ("gtm", "gtm_days", "gtm_loading"):
        psql(warehouse.url, f"create schema {name} authorization publisher")
    marts.write(ACCOUNTS, DAY, accounts(3), marts.declare_accounts())
    with connected(warehouse.url.replace("gtm@", "publisher@")) as least, schema(only()) as gtm:
        assert publish(gtm, least) == [(ACCOUNTS, DAY, "new")]
    assert psql(warehouse.url, "select count(*) from gtm.accounts") == "3"


def test_a_target_says_which_columns_it_must_have() -> None:
    contract = marts.declare_accounts()
    assert contract
    with schema(only()) as gtm:
        target: Target = gtm.target(ACCOUNTS, Postgres.names)
    assert target.key == ("account_id", "as_of")
    assert target.declared().startswith('"as_of" date not null, "account_id" text not null, "mrr" numeric(18,2),')
