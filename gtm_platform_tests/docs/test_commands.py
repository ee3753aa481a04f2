"""What the docs tell people to type exists: each command with its options, each table and column of each query."""

from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from gtm_platform.definitions import defs
from gtm_platform.lake.catalogue import views_of
from gtm_platform.lake.contracts import TABLES
from gtm_platform_tests.docs.commands import ROOT, Typed, calls, commands, pages, queries, wrong

of_each_page = pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())


@of_each_page
def test_every_command_of_a_page_exists_with_these_options(page: Path) -> None:
    assert [f"{typed}: {reason}" for typed in commands(page) if (reason := wrong(typed))] == []


def test_there_are_commands_to_check() -> None:
    typed = [each for page in pages() for each in commands(page)]
    assert len({each.words[0] for each in typed if each.words}) > 20
    assert sum(each.is_whole for each in typed) > 150


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("gtm hubspot planned", "has no command planned"),
        ("gtm hubspot plan --objects contacts", "No such option"),
        ("gtm run core/revenue", "needs"),
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


def views() -> dict[str, str]:
    """The declared table of each view, as it is written in SQL."""
    defs.get_repository_def()
    return {view.replace('"', ""): table for table in TABLES for view in views_of(table)}


@of_each_page
def test_every_query_of_a_page_names_tables_and_columns_that_there_are(page: Path) -> None:
    known = views()
    for sql in queries(page):
        named = {
            ".".join(part.name for part in table.parts)
            for table in sqlglot.parse_one(sql, dialect="duckdb").find_all(exp.Table)
        }
        with duckdb.connect() as connection:
            for view in sorted(named):
                assert view in known, f"{view} of: {sql}"
                schema, name = view.split(".")
                connection.execute(f'create schema if not exists "{schema}"')
                columns = TABLES[known[view]].schema.to_pyarrow()
                connection.register("empty", columns.empty_table())
                connection.execute(f'create table "{schema}"."{name}" as from empty')
            connection.execute(sql)
