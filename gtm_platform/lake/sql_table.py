"""Daily tables whose rule is a query: the tables that it reads stand in braces, and are its inputs.

    sql_table("marts/countries", CONTRACT, "select country, count(*) as customers from {core/profile} group by all")

`{core/revenue}` is the table on the day, a source table as of its end; `{core/revenue, 7 days ago}` and
`{core/revenue, previous day}` are daily tables before it; `{day}` is the day. A brace that is no input is written `{{`.
"""

import inspect
import re
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import ibis

from gtm_platform.lake.contracts import Contract, ContractBroken
from gtm_platform.lake.daily_table import DailyTable, DaysAgo, Input, PreviousDay
from gtm_platform.lake.duckdb_engine import cursor, sql_as_table

BRACES = re.compile(r"\{([^{}]+)\}")
DAYS_AGO = re.compile(r"(\d+) days? ago")


class QueryUnreadable(ValueError):
    """A query cannot be run, or a brace in it names no input; the message quotes it."""


def sql_table(key: str, contract: Contract, sql: str) -> DailyTable:
    """Make a daily table of a query in DuckDB's SQL, its inputs read out of the braces."""
    braces = dict.fromkeys(BRACES.findall(sql.replace("{{", "").replace("}}", "")))
    names = {brace: _argument(brace) for brace in braces}
    inputs = {names[brace]: value for brace in braces if (value := _input(key, brace)) is not None}

    def rule(**arguments: Any) -> ibis.Table:
        replaced = {brace: _written(arguments[name]) for brace, name in names.items()}
        return _expression(key, contract, _filled(sql, replaced))

    parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names.values()]
    rule.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    caller = sys._getframe(1)
    rule.written_at = Path(caller.f_code.co_filename), caller.f_lineno  # type: ignore[attr-defined]
    rule.__doc__ = sql
    return DailyTable(key, contract, inputs, rule)


def _argument(brace: str) -> str:
    return re.sub(r"\W+", "_", brace.strip())


def _input(key: str, brace: str) -> Input | None:
    """The input that a brace names; None for the day, which is no input."""
    table, _, when = (part.strip() for part in brace.partition(","))
    if brace.strip() == "day":
        return None
    if not re.fullmatch(r"[a-z_][\w]*/[a-z_][\w]*", table):
        raise QueryUnreadable(f"{key}: {{{brace}}} names no table; write {{schema/table}}, and {{{{ for a brace.")
    if not when:
        return table
    if when == "previous day":
        return PreviousDay(table)
    if days := DAYS_AGO.fullmatch(when):
        return DaysAgo(table, int(days[1]))
    raise QueryUnreadable(f"{key}: {{{brace}}}: after the comma stands `7 days ago` or `previous day`.")


def _written(argument: ibis.Table | date) -> str:
    return f"date '{argument}'" if isinstance(argument, date) else f'"{argument.get_name()}"'


def _filled(sql: str, replaced: Mapping[str, str]) -> str:
    pieces = re.split(r"(\{\{|\}\}|\{[^{}]+\})", sql)
    return "".join({"{{": "{", "}}": "}"}.get(piece) or replaced.get(piece[1:-1], piece) for piece in pieces)


def _expression(key: str, contract: Contract, query: str) -> ibis.Table:
    """The query as an expression of the contract's columns, after DuckDB has read it."""
    try:
        with cursor() as connection:
            described = connection.execute(f"describe {query}").fetchall()
    except duckdb.Error as error:
        raise QueryUnreadable(f"{key}: {str(error).splitlines()[0]}") from error
    types = {name: kind for name, kind, *_ in described}
    contract.check_columns(types)
    if wrong := [
        f"{name} is {types[name]}, the contract says {kind}"
        for name, kind in contract.schema.items()
        if _is_text(types[name]) != kind.is_string() or types[name].endswith("]") != kind.is_array()
    ]:
        raise ContractBroken(f"{key}: {'; '.join(wrong)}: cast it in the query")
    return sql_as_table(query, contract.schema)


def _is_text(kind: str) -> bool:
    return kind == "VARCHAR" or kind.startswith("ENUM")
