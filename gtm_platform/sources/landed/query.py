"""The query of a part of a stream: the rows of its table that a window asks for, each with its record as JSON."""

from dataclasses import dataclass

from gtm_platform.ingest.source import Window
from gtm_platform.lake.file_query import text
from gtm_platform.sources.landed.scope import Scope, expression
from gtm_platform.sources.landed.system import Part
from gtm_platform.sources.landed.values import LISTED


@dataclass(frozen=True)
class PartQuery:
    """The rows of a part for a window."""

    part: Part
    scope: Scope
    rows: str
    window: Window
    dated: bool

    @property
    def has_lists(self) -> bool:
        """Whether records hold rows of other tables."""
        return LISTED in expression({**(self.part.record or {}), **self.part.facts}, self.scope)

    def rows_to_read(self) -> str:
        """Count the rows."""
        return f"select count(*) from {self.rows} as t0{self._where()}"

    def records(self, *, newest_only: bool, share: int = 0, shares: int = 1) -> str:
        """Select the record, the facts beside it, and whether it was deleted, of each row, or of a share of them."""
        key = self.scope.column(self.part.key)
        shared = [f"hash({key[0]}) % {shares} = {share}"] if key and shares > 1 else []
        record = f"{expression(self.part.record, self.scope)}::varchar" if self.part.record is not None else "''"
        facts = f"{expression(self.part.facts, self.scope)}::varchar" if self.part.facts else "''"
        columns = f"{record} as record, {facts} as facts, {self._is_deleted} as is_deleted"
        return f"select {columns} from {self._newest() if newest_only else self.rows} as t0{self._where(*shared)}"

    def count(self) -> str:
        """Count the records that were not deleted."""
        column = self.scope.column(self.part.key)
        what = f"distinct {column[0]}" if column else "*"
        return f"select count({what}) from {self.rows} as t0{self._where(f'not {self._is_deleted}')}"

    def _newest(self) -> str:
        """The newest version of each row."""
        synced, key = self.scope.column(self.scope.conventions.synced), self.scope.column(self.part.key)
        if synced is None or key is None:
            return self.rows
        newest = f"row_number() over (partition by {key[0]} order by {synced[0]} desc) = 1"
        return f"(select * from {self.rows} as t0 qualify {newest})"

    @property
    def _is_deleted(self) -> str:
        return "false" if self.part.keeps_deleted else self.scope.is_deleted() or "false"

    def _where(self, *more: str) -> str:
        conditions = [*self.scope.is_present(), *self._is_not_gone(), *more]
        if self.dated and not self.window.full:
            start, end = (f"{text(moment.isoformat())}::timestamptz" for moment in (self.window.start, self.window.end))
            conditions += [f"({self.scope.changed}) >= {start}", f"({self.scope.changed}) < {end}"]
        else:
            conditions.append(f"not {self._is_deleted}")
        return f" where {' and '.join(conditions)}" if conditions else ""

    def _is_not_gone(self) -> list[str]:
        gone, key = self.part.unless_in, self.scope.column(self.part.key)
        if gone is None or key is None or self.scope.schema.first_landed([gone]) is None:
            return []
        synced, rows = self.scope.conventions.synced, self.scope.schema.address(gone)
        same_key = f'gone."{self.part.key}" = {key[0]}'
        return [f'not exists (select 1 from {rows} as gone where {same_key} and gone."{synced}" >= t0."{synced}")']
