"""Of which columns of the lake the columns of an expression are made: values only, not what rows were chosen by."""

from collections.abc import Iterator, Mapping

import ibis
import ibis.expr.operations as ops
import sqlglot

from gtm_platform.lake.contract_check import Origins
from gtm_platform.lake.duckdb_engine import queries_in
from gtm_platform.lake.file_query import FileQuery

Columns = frozenset[tuple[str, str]]  # a view of the engine, and a column of it


def column_lineage(table: ibis.Table) -> Origins:
    """Return of which columns of the lake each column is made; nothing where that is not known."""
    queries = queries_in(table)
    read = {view: query.table for view, query in queries.items() if query.table}  # a list of words is no table
    resolved: dict[tuple[ops.Relation, str], Columns] = {}
    try:
        origins = {name: _of_column(table.op(), name, queries, resolved) for name in table.columns}
    except (sqlglot.errors.SqlglotError, RecursionError, KeyError):
        return {}
    return {
        name: frozenset((read[view], column) for view, column in columns if view in read)
        for name, columns in origins.items()
    }


def _of_column(
    relation: ops.Relation,
    name: str,
    queries: Mapping[str, FileQuery],
    resolved: dict[tuple[ops.Relation, str], Columns],
) -> Columns:
    if (key := (relation, name)) in resolved:
        return resolved[key]
    if isinstance(relation, ops.PhysicalTable):
        columns = frozenset({(relation.name, name)})
    elif isinstance(relation, ops.Reference):
        columns = _of_column(relation.parent, name, queries, resolved)
    elif isinstance(relation, ops.Set):
        columns = _of_column(relation.left, name, queries, resolved)
        columns |= _of_column(relation.right, name, queries, resolved)
    elif isinstance(relation, ops.SQLQueryResult):
        resolved |= {(relation, column): views for column, views in _of_query(relation, queries).items()}
        columns = resolved.get(key, frozenset())
    else:
        fields = _fields(relation.values[name])
        columns = frozenset[tuple[str, str]]().union(
            *(_of_column(field.rel, field.name, queries, resolved) for field in fields)
        )
    resolved[key] = columns
    return columns


def _fields(value: ops.Node) -> Iterator[ops.Field]:
    """The fields that a value is computed from, not those of the relations behind them."""
    unvisited, visited = [value], set()
    while unvisited:
        node = unvisited.pop()
        if isinstance(node, ops.Field):
            yield node
        elif node not in visited and not isinstance(node, ops.Relation):
            visited.add(node)
            unvisited += node.__children__


def _of_query(result: ops.SQLQueryResult, queries: Mapping[str, FileQuery]) -> dict[str, Columns]:
    """The columns of views that each column of a query in SQL is made of."""
    from sqlglot.lineage import lineage

    schema = {view: dict.fromkeys(query.schema, "unknown") for view, query in queries.items()}
    columns = lineage(None, result.query, schema, dialect="duckdb")
    return {
        column: frozenset(
            (node.source.name, node.name.rpartition(".")[2].strip('"'))
            for node in tree.walk()
            if isinstance(node.source, sqlglot.exp.Table)
        )
        for column, tree in columns.items()
    }
