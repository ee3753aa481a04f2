"""The statements for Snowflake, run by fakesnow; skipped where `make warehouses` has not made its environment.

fakesnow adds up decimals as doubles and has no Arrow: keys, counts, times and JSON are compared, money is not.
"""

from collections.abc import Iterator
from contextlib import closing

import pytest

from gtm_platform.lake.contracts import Column
from gtm_platform.publish.columns import CannotPublish
from gtm_platform.publish.snowflake.settings import SnowflakeSettings
from gtm_platform.publish.snowflake.warehouse import Snowflake, _login
from gtm_platform.publish.warehouse import WarehouseFailed
from gtm_platform.settings import settings
from gtm_platform_tests.publish import marts
from gtm_platform_tests.publish.fakesnow_connection import Connection, SqlError, python
from gtm_platform_tests.publish.marts import ACCOUNTS, DAY, NEXT, account, accounts, schema

RULES = marts.rules(warehouse="snowflake", tables=(ACCOUNTS,))


@pytest.fixture
def warehouse(monkeypatch: pytest.MonkeyPatch) -> Iterator[Snowflake]:
    if not (program := python()):
        pytest.skip("fakesnow is not installed: `make warehouses` does it; or name its Python in GTM_FAKESNOW")
    monkeypatch.setenv("GTM_NOW", f"{NEXT}T12:00:00+00:00")
    settings.cache_clear()
    with closing(Connection(program)) as connection:
        yield Snowflake(connection, SqlError)


def test_a_day_is_published_replaced_and_counted(warehouse: Snowflake) -> None:
    marts.publish_two_days(RULES, warehouse)
    cursor = warehouse.connection.cursor()
    cursor.execute(
        """select "ACCOUNT_ID", "SEATS", "IS_CUSTOMER", "TAGS"[1]::text, "REASONS"[0]:column::text from gtm.accounts
        where as_of = '2026-03-01' and account_id in ('acc_002', 'acc_003') order by 1"""
    )
    assert cursor.fetchall() == [
        ("acc_002", 2**62 + 2, True, 'quoted "," \\ {}', "seats"),
        ("acc_003", None, False, None, None),
    ]


def test_columns_are_added_and_nothing_else(warehouse: Snowflake) -> None:
    marts.write(ACCOUNTS, DAY, accounts(1), marts.declare_accounts())
    with schema(RULES) as gtm:
        gtm.publish(warehouse, gtm.due()[0], "run")
        marts.write(
            ACCOUNTS, NEXT, [account(0, NEXT, owner="Noor")], marts.declare_accounts(owner=Column("string", "Who."))
        )
        for due in gtm.due():
            gtm.publish(warehouse, due, "run")
        cursor = warehouse.connection.cursor()
        cursor.execute("select as_of, owner from gtm.accounts order by 1")
        assert cursor.fetchall() == [(DAY, None), (NEXT, "Noor")]
        marts.declare_accounts(owner=Column("string", "Who."), mrr=Column("decimal(9, 2)", "Less."))
        with pytest.raises(CannotPublish, match=r"mrr is NUMBER\(18,2\) in the warehouse and NUMBER\(9,2\) here"):
            gtm.publish(warehouse, gtm.due()[0], "run")


def test_what_it_refuses_is_a_sentence(warehouse: Snowflake) -> None:
    with pytest.raises(WarehouseFailed, match="Snowflake: "):
        warehouse._do("select * from no_such_table")


def test_it_logs_in_with_the_key() -> None:
    who = {"account": "acme-eu", "user": "gtm", "database": "analytics"}
    variables = {f"publish_snowflake_{name}": value for name, value in who.items()}
    assert SnowflakeSettings(**variables).missing() == ["PUBLISH_SNOWFLAKE_PRIVATE_KEY"]
    login = _login(SnowflakeSettings(**variables, publish_snowflake_private_key=private_key().replace("\n", "\\n")))
    assert {name: login[name] for name in who} == who
    assert login["private_key"].startswith(b"\x30\x82")
    assert login.keys() == {*who, "private_key", "session_parameters"}


def private_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    plain = serialization.NoEncryption()
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
