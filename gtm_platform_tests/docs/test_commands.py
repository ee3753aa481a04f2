"""What the docs tell people to type exists: each command with its options, each table and column of each query."""

import re

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from gtm_platform.definitions import defs
from gtm_platform.lake.catalogue import views_of
from gtm_platform.lake.contracts import TABLES
from gtm_platform_tests.docs import site
from gtm_platform_tests.docs.commands import FENCE, Typed, calls, commands, pages, queries, wrong

PAGES = pages()


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_exists_with_these_options(page: str) -> None:
    assert [f"{typed}: {reason}" for typed in commands(page, PAGES[page]) if (reason := wrong(typed))] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_command_stands_in_indented_code_where_nobody_checks_it(page: str) -> None:
    assert re.findall(r"^ {4,}(?:\S+=\S+ )*gtm .*", FENCE.sub("", PAGES[page]), re.MULTILINE) == []


def test_there_are_commands_to_check() -> None:
    typed = [each for page, text in PAGES.items() for each in commands(page, text)]
    assert len({each.words[0] for each in typed if each.words}) > 20
    assert sum(each.is_whole for each in typed) > 150


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("gtm hubspot planned", "has no command planned"),
        ("gtm hubspot plan --objects contacts", "No such option"),
        ("gtm trigger add", "needs"),
        ("gtm accounts --partition 2026-11-20", "No such option"),
        ("gtm doctor stripe", "takes no stripe"),
        ("gtm query --format paper 'select 1'", "is not one of"),
        ("gtm tidy --days many", "is not a valid integer"),
    ],
)
def test_what_the_command_line_refuses_is_wrong(line: str, reason: str) -> None:
    [words] = calls(line)
    assert reason in str(wrong(Typed("a page", words, True)))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("$ GTM_HOME=/tmp/x gtm query 'select 1' | head  # the first", [("query", "select 1")]),
        (".venv/bin/gtm doctor && gtm tidy --dry-run", [("doctor",), ("tidy", "--dry-run")]),
        ("python -m gtm_platform.cli.environment", []),
    ],
)
def test_calls_are_found_in_a_line_of_a_shell(line: str, words: list[tuple[str, ...]]) -> None:
    assert list(calls(line)) == words


@pytest.fixture(scope="module")
def views() -> dict[str, str]:
    """The declared table of each view, as it is written in SQL."""
    assert defs, "the definitions declare the tables"
    return {view.replace('"', ""): table for table in TABLES for view in views_of(table)}


@pytest.mark.parametrize("page", PAGES)
def test_every_query_of_a_page_names_tables_and_columns_that_there_are(page: str, views: dict[str, str]) -> None:
    for sql in queries(page, PAGES[page]):
        read(sql, views)


def read(sql: str, views: dict[str, str]) -> None:
    """Run a query over empty tables that are shaped by their contracts."""
    parsed = sqlglot.parse_one(sql, dialect="duckdb")
    with duckdb.connect() as connection:
        for view in {".".join(part.name for part in table.parts) for table in parsed.find_all(exp.Table)}:
            assert view in views, f"{view} of: {sql}"
            schema, name = view.split(".")
            connection.execute(f'create schema if not exists "{schema}"')
            connection.register("empty", TABLES[views[view]].schema.to_pyarrow().empty_table())
            connection.execute(f'create table "{schema}"."{name}" as from empty')
        connection.execute(sql)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select mrr from latest.unified_customer", "latest.unified_customer of"),
        ("select mr from core.revenue", '"mr" not'),
    ],
)
def test_a_query_of_what_there_is_not_is_wrong(sql: str, reason: str, views: dict[str, str]) -> None:
    with pytest.raises((AssertionError, duckdb.Error), match=reason):
        read(sql, views)


def test_the_generated_pages_have_commands_that_exist_and_tables_that_there_are(views: dict[str, str]) -> None:
    generated = site.generated()
    typed = [each for page, text in generated.items() for each in commands(page, text)]
    assert [f"{each}: {reason}" for each in typed if (reason := wrong(each))] == []
    named = {sql.split()[3] for page, text in generated.items() for sql in queries(page, text)}
    assert len(named) > 100
    assert named <= views.keys()
