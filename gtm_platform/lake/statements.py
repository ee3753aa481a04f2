"""The SQL that rules become, kept between processes.

To build an expression and to compile it takes Ibis longer than the engine takes for most tables of a day, and the text
is the same for each day and whatever files are read. It is kept with marks in the places of the day and of the views,
under a hash of all that it follows from: the platform's code, the types of the inputs, the policy.
"""

import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.operations as ops

import gtm_platform
from gtm_platform.lake.column_lineage import column_lineage
from gtm_platform.lake.columns_read import columns_read
from gtm_platform.lake.contract_check import Origins
from gtm_platform.lake.duckdb_engine import VIEW_NAME, Statement, as_typed, table_of
from gtm_platform.settings import settings

DAY = ibis.param("date")  # the day in an expression that is to serve any
MARKED_DAY = date(7919, 7, 19)  # and in its text
MARKED_VIEW = re.compile(r"\bview_number_(\d+)\b")
UNUSED_SECONDS = 30 * 24 * 3600
PLATFORM = Path(gtm_platform.__file__).parent
COMPILERS = ("ibis-framework", "sqlglot")

Rule = Callable[..., ibis.Table]
# A query with marks, its lineage, and the columns that it reads of each view.
Text = tuple[str, Mapping[str, Sequence[tuple[str, str]]], Sequence[Sequence[str]]]
Shaping = Callable[[ibis.Table], ibis.Table]


class NotReusable(ValueError):
    """An expression reads rows of Python, or a view that its rule made: its text says too little."""


@dataclass(frozen=True)
class RuleStatement:
    """The query of a rule on a day, of which columns its own are made, and which it reads of each view."""

    query: Statement
    lineage: Origins
    reads: Mapping[str, frozenset[str]]


def is_reusable(rule: Callable[..., Any]) -> bool:
    """Whether what a rule's query follows from is known: it is a function of the platform's own modules."""
    return rule.__module__.startswith("gtm_platform.") and "<locals>" not in rule.__qualname__


def statement_of(rule: Rule, arguments: Mapping[str, Any], shaped: Shaping = lambda table: table) -> RuleStatement:
    """Return the query of a rule for its arguments, built and compiled only where it is not kept yet."""
    views = list(dict.fromkeys(table.get_name() for _, table in _tables(arguments)))
    file = settings().cache / "statements" / f"{_hash(rule, arguments, views)}.json"
    if (kept := _read(file)) is None:
        kept = _built(shaped(rule(**_for_any_day(arguments))), views)
        _keep(file, json.dumps(kept))
    text, lineage, reads = kept
    sql = MARKED_VIEW.sub(lambda mark: views[int(mark[1])], text)
    if "day" in arguments:
        sql = sql.replace(_in_sql(MARKED_DAY), _in_sql(arguments["day"]))
    origins = {name: frozenset((table, column) for table, column in columns) for name, columns in lineage.items()}
    read = {view: frozenset(columns) for view, columns in zip(views, reads, strict=True)}
    return RuleStatement(Statement(sql, tuple(views)), origins, read)


def _for_any_day(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: DAY if name == "day" else value for name, value in arguments.items()}


def _tables(arguments: Mapping[str, Any]) -> Iterator[tuple[str, ibis.Table]]:
    """The tables among arguments, those of mappings, too, each by a name."""
    for name, value in arguments.items():
        for inner, table in value.items() if isinstance(value, Mapping) else [("", value)]:
            if isinstance(table, ibis.Table):
                yield f"{name}.{inner}", table


def _hash(rule: Rule, arguments: Mapping[str, Any], views: Sequence[str]) -> str:
    """Hash all that the text and its lineage follow from.

    Inputs that are the same view count, as they are one step of the query, and which tables of the lake views show.
    """
    inputs = [(name, table.get_name(), table.schema()) for name, table in _tables(arguments)]
    tables = [(name, views.index(view), schema, table_of(view)) for name, view, schema in inputs]
    named = {name.partition(".")[0] for name, *_ in tables}
    values = [(name, value) for name, value in sorted(arguments.items()) if name not in named and name != "day"]
    parts = (code_hash(), rule.__module__, rule.__qualname__, tables, values)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


@cache
def code_hash() -> str:
    """Hash the platform's code, and name what compiles."""
    code = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in COMPILERS).encode())
    for path in sorted(PLATFORM.rglob("*.py")):
        code.update(str(path.relative_to(PLATFORM)).encode() + path.read_bytes())
    return code.hexdigest()


def _read(file: Path) -> Text | None:
    try:
        text, lineage, reads = json.loads(file.read_text())
    except (OSError, ValueError, TypeError):  # none, or a damaged one
        return None
    return text, lineage, reads


def _built(table: ibis.Table, views: Sequence[str]) -> Text:
    """Compile an expression into a text with marks, and its lineage."""
    sql = as_typed(table, params={DAY: MARKED_DAY})
    if table.op().find(ops.InMemoryTable) or set(VIEW_NAME.findall(sql)) - set(views):
        raise NotReusable("The rule reads rows of Python, or a view that is none of its arguments.")
    text = VIEW_NAME.sub(lambda name: f"view_number_{views.index(name[0])}", sql)
    read = columns_read(table)
    reads = [sorted(read.get(view, ())) for view in views]  # an argument that the query does not ask is not read
    return text, {name: sorted(columns) for name, columns in column_lineage(table).items()}, reads


def _in_sql(day: date) -> str:
    return f"MAKE_DATE({day.year}, {day.month}, {day.day})"


def _keep(file: Path, text: str) -> None:
    """Keep a text for other processes; drop those that are old, which are built again where they are still of use."""
    with suppress(OSError):  # a full disk costs time, not the day
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(f".{secrets.token_hex(4)}")
        draft.write_text(text)
        draft.rename(file)
        for old in file.parent.iterdir():
            if time.time() - os.stat(old).st_mtime > UNUSED_SECONDS:
                old.unlink(missing_ok=True)
