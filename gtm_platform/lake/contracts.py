"""What a table promises: its columns, their meaning, its key.

From the declaration come the check of every file before it counts, the empty table of a source that is off, and what
Dagster and the data dictionary show.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import dagster as dg
import ibis
import ibis.expr.datatypes as dt

from gtm_platform.lake.duckdb_engine import engine

Rule = Callable[[ibis.Value], ibis.ir.BooleanValue]
PERSONAL_TAG = "personal"
Figure = Callable[[ibis.Table], ibis.Scalar]


class ContractBroken(ValueError):
    """A table is not what its contract promises; nothing was written."""


class UnknownTable(LookupError):
    """No table of that name is declared."""


@dataclass(frozen=True)
class Column:
    """A column: its type, its meaning, and what holds for each of its values."""

    type: str
    about: str = ""
    nullable: bool = True
    rule: Rule | None = None
    personal: bool = False


@dataclass(frozen=True)
class Contract:
    """Columns, key and figures of a table.

    `cadence` is the length in hours of a source table's windows; a table without one holds one partition a day.
    `made_with` names the table whose asset writes this one along with its own.
    """

    columns: Mapping[str, Column]
    key: tuple[str, ...]
    about: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)  # shown, and plotted, beside the row count
    cadence: int | None = None
    made_with: str | None = None

    @cached_property
    def schema(self) -> ibis.Schema:
        """The columns and their types."""
        return ibis.schema({name: dt.dtype(column.type) for name, column in self.columns.items()})

    def check_columns(self, columns: Collection[str], hint: str = "") -> None:
        """Raise a sentence unless there are just the columns of the contract, in whatever order."""
        missing = [name for name in self.columns if name not in columns]
        extra = [name for name in columns if name not in self.columns]
        if missing or extra:
            raise ContractBroken(f"columns missing: {missing or 'none'}; not in the contract: {extra or 'none'}{hint}")

    def shaped(self, table: ibis.Table) -> ibis.Table:
        """Return an expression with its columns in order, if it has just those, of just those types."""
        self.check_columns(table.columns)
        wrong = [
            f"{name} is {table[name].type()}, the contract says {kind}"
            for name, kind in self.schema.items()
            if _bare(table[name].type()) != _bare(kind)
        ]
        if wrong:
            raise ContractBroken("; ".join(wrong))
        return table.select(*self.columns)

    def measures(self, table: ibis.Table) -> dict[str, ibis.Scalar]:
        """Aggregates that count the rows and what breaks the contract in any of them, and the figures."""
        counts: dict[str, ibis.Scalar] = {"rows": table.count()}
        for name, column in self.columns.items():
            if not column.nullable:
                counts[f"broken: {name} is null"] = table[name].isnull().sum()
            if column.rule:
                counts[f"broken: {name} breaks its rule"] = (~column.rule(table[name])).sum()
        return counts | {name: figure(table) for name, figure in self.figures.items()}

    def measured(self, view: str) -> str:
        """Return the query that takes these measures of a view."""
        return f'with written as (from "{view}") select * from ({self._measured})'

    @cached_property
    def _measured(self) -> str:
        """The measures of a table called `written`, compiled once for all that is written."""
        written = ibis.table(self.schema, name="written")
        return str(engine().compile(written.aggregate(**self.measures(written))))

    @property
    def column_schema(self) -> dg.TableSchema:
        """The columns as Dagster shows them, personal ones tagged."""
        return dg.TableSchema(
            columns=[
                dg.TableColumn(
                    name,
                    str(column.type),
                    description=column.about,
                    constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=self.key == (name,)),
                    tags={PERSONAL_TAG: ""} if column.personal else {},
                )
                for name, column in self.columns.items()
            ]
        )


def _bare(kind: dt.DataType) -> dt.DataType:
    """The type without nullability, which Parquet and expressions do not keep."""
    if isinstance(kind, dt.Array):
        return dt.Array(_bare(kind.value_type))
    if isinstance(kind, dt.Struct):
        return dt.Struct({name: _bare(inner) for name, inner in kind.items()})
    return kind.copy(nullable=True)


TABLES: dict[str, Contract] = {}


def declare(table: str, contract: Contract) -> Contract:
    """Make a contract the one of a table of the lake."""
    TABLES[table] = contract
    return contract


def contract_of(table: str) -> Contract:
    """Return the contract of a declared table."""
    try:
        return TABLES[table]
    except KeyError:
        raise UnknownTable(
            f"No table {table!r} is declared: misspelt, or its module is not imported before it is used."
        ) from None
