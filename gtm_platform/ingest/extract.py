"""One extraction from an API: page by page into a hidden file of the table's folder, bad records set apart on the way.

Which window a row belongs to is not decided here; see `merge`.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from gtm_platform.http.pages import Page
from gtm_platform.ingest import arrow as columns
from gtm_platform.ingest.concurrency import prefetch
from gtm_platform.ingest.field_types import FieldTypes
from gtm_platform.ingest.record import Reader, Record, Rejected, is_marked_deleted
from gtm_platform.ingest.source import BEGINNING, END, Stream, Window
from gtm_platform.ingest.suppression import LandingFilter, suppressed_of_home
from gtm_platform.lake.contract_check import duplicate_count, row_count
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import as_table
from gtm_platform.lake.encrypted_files import scratch_name
from gtm_platform.lake.file_query import FileQuery, quoted
from gtm_platform.lake.lake import SOURCE_ROW_GROUP_SIZE, Lake

BATCH = 1_000  # least records in a batch: what it costs the engine hardly depends on its size
LARGEST_KEPT = 1 << 16  # bytes of a record that is quarantined


Progress = Callable[[int], None]  # called after each page with its number of records


@dataclass
class Extraction:
    """What an API answers to one request of a stream, and what was counted on the way."""

    lake: Lake
    table: str
    stream: Stream
    run_id: str
    ends: datetime  # of the window that the file is written for; what belongs to others is stamped anew
    progress: Progress | None = None
    read: int = 0  # records that the API sent
    distinct: int = 0  # different ones of those that fit
    earliest: datetime = END  # that one of them changed
    latest: datetime = BEGINNING  # that one of them changed
    rejected: dict[str, Rejected] = field(default_factory=dict)  # by their digest
    failure: BaseException | None = None
    fields: FieldTypes = field(default_factory=FieldTypes)  # that a sample of the records has
    file: Path | None = None  # of what was extracted, where each record of it came once

    @property
    def duplicates(self) -> int:
        """How many records came that had come before."""
        return self.read - self.distinct - len(self.rejected)

    def changed_within(self, start: datetime, end: datetime) -> bool:
        """Whether all records changed from `start` on and before `end`."""
        return start <= self.earliest and self.latest < end

    @contextmanager
    def extract_to_file(self, client: Any, window: Window) -> Iterator[ibis.Table]:
        """Yield what the API answers for the window, each record once; its file lives as long as the context."""
        folder = self.lake.root / self.table
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / scratch_name(f".extract.{secrets.token_hex(8)}")
        schema = self._arrow()
        # The engine asks for batches in threads of its own, which know nothing of who listens here.
        batches = self._batches(client, window, schema, copy_context())
        reader = pa.RecordBatchReader.from_batches(schema, batches)
        try:
            try:
                self.lake.copy(reader, draft, SOURCE_ROW_GROUP_SIZE)
            except Exception:
                if self.failure:  # the engine hides what went wrong while it was reading
                    raise self.failure from self.failure.__cause__
                raise
            yield self._distinct_rows(draft)
        finally:
            draft.unlink(missing_ok=True)

    def _batches(self, client: Any, window: Window, schema: pa.Schema, context: Context) -> Iterator[pa.RecordBatch]:
        reader = Reader(self.stream.record, self.stream.key)
        landing = LandingFilter(self.table, suppressed_of_home())
        waiting: list[pa.RecordBatch] = []
        try:
            for page in prefetch(self.stream.pages(client, window), context):
                good, raws, bad = landing.keep(*reader.read(page))
                self.read += len(good) + len(bad)
                self.fields.sample(page)
                if self.progress:
                    self.progress(len(page))
                self.rejected.update(map(_by_digest, bad))
                waiting.append(self._batch(schema, good, raws))  # at once, while the processor still has them at hand
                if sum(map(len, waiting)) >= BATCH:
                    yield self._joined(waiting)
                    waiting = []
            if waiting:
                yield self._joined(waiting)
        except BaseException as error:
            self.failure = error
            raise

    def _joined(self, waiting: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
        batch = pa.concat_batches(waiting)
        if self.stream.cursor_field and len(batch):
            changed = pc.min_max(batch[self.stream.cursor_field])
            self.earliest = min(self.earliest, changed["min"].as_py())
            self.latest = max(self.latest, changed["max"].as_py())
        return batch

    def _batch(self, schema: pa.Schema, good: Sequence[Record], raws: Page) -> pa.RecordBatch:
        added_columns = {
            "_window": self.ends,
            "_extracted_at": datetime.now(UTC),
            "_run_id": self.run_id,
            "_deleted": pa.array(
                [record.is_gone() or is_marked_deleted(raw) for record, raw in zip(good, raws, strict=True)]
            ),
            "payload": pa.array([raw or None for raw in raws], pa.string()),
        }
        return columns.batch(schema, self.stream.record, good, added_columns)

    def _arrow(self) -> pa.Schema:
        """As the contract has it, and as strict as the records are."""
        strict = {field.name: field for field in columns.arrow_schema(self.stream.record)}
        return pa.schema([strict.get(field.name, field) for field in contract_of(self.table).schema.to_pyarrow()])

    def _distinct_rows(self, draft: Path) -> ibis.Table:
        """Only what came more than once is sorted: whole records, millions of them, do not fit into memory."""
        extracted = FileQuery(contract_of(self.table).schema, (str(draft),))
        repeated = duplicate_count(as_table(extracted), self.stream.key)
        self.distinct = row_count(as_table(extracted)) - repeated
        if not repeated:
            self.file = draft
            return as_table(extracted)
        key, columns = quoted(self.stream.key), quoted(extracted.schema)
        several = f"(select {key} from {{rows}} group by {key} having count(*) > 1) as several using ({key})"
        newest = ", ".join(f'"{name}" desc' for name in (self.stream.cursor_field, "_extracted_at") if name)
        nth = f"row_number() over (partition by {key} order by {newest}) as _nth"
        often = f"select *, {nth} from {{rows}} as often semi join {several}"
        template = f"""select {columns} from {{rows}} as once anti join {several}
            union all select {columns} from ({often}) where _nth = 1"""
        return as_table(replace(extracted, template=template))


def _by_digest(bad: Rejected) -> tuple[str, Rejected]:
    return hashlib.sha256(bad.raw).hexdigest(), replace(bad, raw=bad.raw[:LARGEST_KEPT])
