"""Of which columns of sources a column of a table is made, by the lineage that runs left in Dagster.

Where a table has none, as one that was computed outside of the engine, all tables upstream of it count whole.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

import dagster as dg

from gtm_platform.lake.contracts import TABLES
from gtm_platform.orchestration.compat import Graph

LINEAGE = "dagster/column_lineage"
RUNS_READ = 20  # the newest; only a run that made the newest day left its lineage

SourceColumn = tuple[str, str]  # a table of a source, and a column of it; "" where the table counts whole


@dataclass(frozen=True)
class SourceColumns:
    """The lineage of columns, read of each table once."""

    instance: dg.DagsterInstance
    graph: Graph
    _lineage: dict[str, dg.TableColumnLineage | None] = field(default_factory=dict)

    def of(self, table: str, columns: Collection[str]) -> set[SourceColumn]:
        """Return the columns of sources that some columns of a table are made of."""
        made_of: set[SourceColumn] = set()
        unvisited, visited = [(table, column) for column in columns], set[SourceColumn]()
        while unvisited:
            at = unvisited.pop()
            if at in visited:
                continue
            visited.add(at)
            if _is_source(at[0]):
                made_of.add(at)
            else:
                unvisited += self._parents(*at)
        return made_of

    def _parents(self, table: str, column: str) -> list[SourceColumn]:
        lineage = self._lineage_of(table)
        if column and lineage is not None and column in lineage.deps_by_column:
            return [("/".join(dep.asset_key.path), dep.column_name) for dep in lineage.deps_by_column[column]]
        if column and lineage is not None:
            return []  # a constant, or a count of rows
        key = dg.AssetKey(table.split("/"))
        return (
            [("/".join(parent.path), "") for parent in self.graph.get(key).parent_keys] if self.graph.has(key) else []
        )

    def _lineage_of(self, table: str) -> dg.TableColumnLineage | None:
        if table not in self._lineage:
            made = self.instance.fetch_materializations(dg.AssetKey(table.split("/")), limit=RUNS_READ).records
            values = [
                record.asset_materialization.metadata.get(LINEAGE) for record in made if record.asset_materialization
            ]
            lineages = [value.value for value in values if value is not None]
            self._lineage[table] = next((each for each in lineages if isinstance(each, dg.TableColumnLineage)), None)
        return self._lineage[table]


def _is_source(table: str) -> bool:
    return table in TABLES and TABLES[table].cadence is not None
