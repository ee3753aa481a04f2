"""What is written for an analyst's dbt project; and the project of docs/examples, built by dbt itself.

dbt is looked for where `make dbt` puts it, or where GTM_DBT says; without it these tests are skipped.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest
import yaml

import gtm_platform.definitions  # noqa: F401  declares every table
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.lake import Lake
from gtm_platform.policy.publish import PublishedSchema
from gtm_platform.publish.columns import projection
from gtm_platform.publish.dbt import dictionary, sources_file, write
from gtm_platform.publish.postgres.settings import PostgresSettings
from gtm_platform.publish.postgres.warehouse import NAMES, opened
from gtm_platform.settings import settings
from gtm_platform_tests.postgres_server import running
from gtm_platform_tests.publish import marts
from gtm_platform_tests.publish.marts import ACCOUNTS, PLANS, schema
from gtm_platform_tests.tables import filled

ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "docs/examples/dbt"
CUSTOMERS = "core/unified_customers"
RULES = PublishedSchema(name="gtm", warehouse="postgres", tables=(CUSTOMERS,))
DAYS = (date(2026, 3, 1), date(2026, 3, 2))
STATUSES = ("healthy", "at_risk", "critical", None)


def test_sources_say_what_the_contracts_say() -> None:
    marts.declare_accounts()
    marts.declare_plans()
    rules = marts.rules(personal=(f"{ACCOUNTS}.email",))
    [source] = yaml.safe_load(sources_file((rules,)))["sources"]
    assert (source["name"], source["schema"]) == ("gtm", "gtm")
    accounts, plans = source["tables"]
    assert accounts["description"] == "Accounts."
    assert accounts["config"]["meta"] == {"table": ACCOUNTS, "key": ["account_id", "as_of"]}
    columns = {column["name"]: column for column in accounts["columns"]}
    assert columns["mrr"] == {"name": "mrr", "description": "What they pay a month.", "data_type": "numeric(18,2)"}
    assert columns["account_id"]["data_tests"] == ["not_null"]
    assert columns["email"]["config"] == {"meta": {"personal": True}, "tags": ["personal"]}
    assert [column["name"] for column in plans["columns"]] == ["as_of", "plan", "accounts"]


def test_types_are_in_the_words_of_the_warehouse() -> None:
    marts.declare_accounts()
    types = {}
    for warehouse in ("snowflake", "bigquery", "redshift"):
        [source] = yaml.safe_load(sources_file((marts.rules(warehouse=warehouse, tables=(ACCOUNTS,)),)))["sources"]
        [table] = source["tables"]
        types[warehouse] = {column["name"]: column["data_type"] for column in table["columns"]}
    assert [types[each]["mrr"] for each in types] == ["NUMBER(18,2)", "NUMERIC(18,2)", "numeric(18,2)"]
    assert [types[each]["tags"] for each in types] == ["VARIANT", "REPEATED STRING", "character varying(65535)"]


def test_the_dictionary_says_what_is_left_out() -> None:
    marts.declare_accounts()
    marts.declare_plans()
    text = dictionary((marts.rules(),))
    assert "## gtm.accounts" in text
    assert "One row for each account_id, as_of. Made as `marts/accounts`." in text
    assert "| account_id | text | never | Our id. |" in text
    assert "Personal, and not published: email." in text
    assert "| email |" not in text
    assert f"Made as `{PLANS}`" in text


# --- the worked example ----------------------------------------------------------------------------------------------


def customers(day: date) -> list[dict[str, Any]]:
    """Twenty people, every fourth of whom is no current customer."""
    return [
        {
            "customer_id": f"cus_{number:02}",
            "as_of": day,
            "email": f"p{number}@firm.example",
            "is_customer": number % 4 != 0,
            "customer_status": "active" if number % 4 else "prospect",
            "plan_tier": ("growth", "starter", None)[number % 3],
            "mrr_reporting": Decimal(number * day.day) + Decimal("0.10") if number % 5 else None,
            "health_status": STATUSES[number % 4],
        }
        for number in range(20)
    ]


def expected() -> list[tuple[Any, ...]]:
    """What the mart has to hold, added up here."""
    groups: dict[tuple[date, str], list[dict[str, Any]]] = {}
    for day in DAYS:
        for row in customers(day):
            if row["is_customer"]:
                groups.setdefault((day, row["plan_tier"] or "none"), []).append(row)
    return [
        (
            *key,
            len(rows),
            sum((row["mrr_reporting"] or Decimal(0) for row in rows), Decimal(0)),
            sum(row["health_status"] in ("at_risk", "critical") for row in rows),
        )
        for key, rows in sorted(groups.items())
    ]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example with its sources written, and a lake with two days of customers."""
    monkeypatch.setenv("GTM_NOW", "2026-03-02T12:00:00+00:00")
    settings.cache_clear()
    shutil.copytree(PROJECT, tmp_path / "project")
    write((RULES,), tmp_path / "project/models/gtm")
    for day in DAYS:
        Lake(settings().home / "lake").write(CUSTOMERS, str(day), filled(CUSTOMERS, *customers(day)).to_pyarrow())
    return tmp_path / "project"


def build(project: Path, target: str, **environment: str) -> None:
    """Have dbt run and test what the mart is made of."""
    place = ROOT / ".venv/dbt/bin/dbt"
    dbt = os.environ.get("GTM_DBT") or (str(place) if place.exists() else None)
    if dbt is None:
        pytest.skip("dbt is not installed: `make dbt` does it; or name one in GTM_DBT")
    command = [dbt, "--no-version-check", "build", "--select", "+mrr_by_plan", "--target", target]
    command += ["--profiles-dir", "."]
    ran = subprocess.run(command, cwd=project, env={**os.environ, **environment}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert "ERROR=0" in ran.stdout


def test_the_example_is_built_on_duckdb(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "analytics.duckdb"
    with duckdb.connect(str(file)) as connection, schema(RULES) as gtm:
        queries = []
        for due in gtm.due():
            target = gtm.target(CUSTOMERS, NAMES)
            rows = f"select * from read_parquet('{due.file.path}')"
            queries.append(projection(target.columns, NAMES, rows, due.day, "as_of" in contract_of(CUSTOMERS).columns))
        connection.execute(f"create schema gtm; create table gtm.unified_customers as {' union all '.join(queries)}")
    build(project, "duckdb", DBT_FILE=str(file))
    with duckdb.connect(str(file)) as connection:
        rows = connection.execute("from analysis.mrr_by_plan order by as_of, plan_tier").fetchall()
    assert rows == expected()


@contextmanager
def server() -> Iterator[str]:
    pytest.importorskip("duckdb_extension_postgres_scanner", reason="pip install 'gtm-platform[postgres]'")
    with running() as url:
        yield url


def test_the_example_is_built_on_postgres_from_what_was_published(project: Path) -> None:
    with server() as url, opened(PostgresSettings(publish_postgres_url=url), "gtm") as warehouse:
        with schema(RULES) as gtm:
            for due in gtm.due():
                gtm.publish(warehouse, due, "run")
        place = urlsplit(url)
        build(project, "postgres", DBT_PORT=str(place.port), DBT_USER="gtm", DBT_DATABASE="postgres")
        rows = warehouse._ask(
            "select as_of, plan_tier, customers, mrr::numeric(18, 2), customers_at_risk from analysis.mrr_by_plan "
            "order by as_of, plan_tier"
        )
        assert rows == expected()
        assert (
            warehouse._ask(
                "select column_name from information_schema.columns where table_schema = 'gtm' "
                "and column_name in ('email', 'name')"
            )
            == []
        )
