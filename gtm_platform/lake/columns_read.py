"""Which columns of its inputs a rule reads at all: for what it gives, and for which rows it gives.

Of a step of which it is not known what it reads, every column counts as read.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

import ibis
import ibis.expr.operations as ops

from gtm_platform.lake.duckdb_engine import queries_in

Need = tuple[ops.Relation, frozenset[str]]  # a step, and columns of it


def columns_read(table: ibis.Table) -> dict[str, frozenset[str]]:
    """Return the columns that an expression reads of each view of the engine, by the view's name."""
    needed: dict[ops.Relation, frozenset[str]] = {}
    unvisited: list[Need] = [_whole(table.op())]
    while unvisited:  # once more where more is needed of a step than was known
        relation, names = unvisited.pop()
        before = needed.get(relation)
        if before is None or not names <= before:
            needed[relation] = names | (before or frozenset())
            unvisited += _needs(relation, needed[relation])
    views = queries_in(table)
    read = {view: frozenset[str]() for view in views}
    for relation, names in needed.items():
        if isinstance(relation, ops.DatabaseTable) and relation.name in read:
            read[relation.name] |= names
        elif isinstance(relation, ops.SQLQueryResult):  # which columns a query in SQL reads is not looked into
            read |= {view: frozenset(query.schema) for view, query in views.items() if view in relation.query}
    return read


def _needs(relation: ops.Relation, names: frozenset[str]) -> Iterator[Need]:
    """Yield what a step reads of others, where some columns of it are needed."""
    match relation:
        case ops.Project(parent=parent):
            yield parent, frozenset()  # its rows, even where no column of it is read
            yield from _fields(_needed(relation.values.items(), names))
        case ops.Aggregate(parent=parent):
            yield parent, frozenset()
            yield from _fields([*relation.groups.values(), *_needed(relation.metrics.items(), names)])
        case ops.Filter(parent=parent):
            yield parent, names
            yield from _fields(relation.predicates)
        case ops.Sort(parent=parent):
            yield parent, names
            yield from _fields(relation.keys)
        case ops.Reference(parent=parent) | ops.DropColumns(parent=parent):
            yield parent, names
        case ops.JoinChain():
            yield relation.first, frozenset()
            for link in relation.rest:
                yield link.table, frozenset()
                yield from _fields(link.predicates)
            yield from _fields(_needed(relation.values.items(), names))
        case ops.Union(distinct=False):
            yield relation.left, names
            yield relation.right, names
        case ops.DatabaseTable() | ops.InMemoryTable() | ops.SQLQueryResult():
            return
        case _:
            yield from map(_whole, _relations(relation.__children__))


def _needed(values: Iterable[tuple[str, ops.Node]], names: frozenset[str]) -> list[ops.Node]:
    """Return the values that are needed: those by name, and those that make several rows of one."""
    return [value for name, value in values if name in names or value.find(ops.Unnest, filter=ops.Value)]


def _fields(values: Iterable[ops.Node]) -> Iterator[Need]:
    """Yield the columns that values are computed from; of the steps that they ask about as a whole, every column."""
    unvisited, visited = list(values), set[ops.Node]()
    while unvisited:
        node = unvisited.pop()
        if isinstance(node, ops.Field):
            yield node.rel, frozenset([node.name])
        elif isinstance(node, ops.CountStar):
            yield node.arg, frozenset()
            unvisited += [] if node.where is None else [node.where]
        elif isinstance(node, ops.Relation):
            yield _whole(node)
        elif node not in visited:
            visited.add(node)
            unvisited += node.__children__


def _relations(nodes: Iterable[ops.Node]) -> Iterator[ops.Relation]:
    """Yield the steps among some nodes, and behind the values among them."""
    return chain.from_iterable(
        [node] if isinstance(node, ops.Relation) else (each for each, _ in _fields([node])) for node in nodes
    )


def _whole(relation: ops.Relation) -> Need:
    return relation, frozenset(relation.schema)
