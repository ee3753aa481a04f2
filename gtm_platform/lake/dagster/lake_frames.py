"""The lake as an IO manager, for people's own assets: `io_manager_key="lake_frames"`, a frame in, a frame out.

The platform's daily tables do not use it: their rules are expressions, which need not fit into memory.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import ibis
import pyarrow as pa
from pydantic import Field

from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.dagster.asset_pages import written_metadata
from gtm_platform.lake.dagster.run_scope import run_scope
from gtm_platform.lake.frames import is_frame
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.store import lake_root
from gtm_platform.settings import settings


class FrameExpected(TypeError):
    """An asset returned what cannot become a table of the lake; the message says what would."""


class PartitionMissing(LookupError):
    """A partition that an asset reads is not in the lake; the message says how it is made."""


class LakeFrames(dg.ConfigurableIOManager):
    """Keep what assets return as partitions of the lake, and read the partitions they depend on.

    The type of an argument decides what it gets: `pandas.DataFrame` (also without a type), `pyarrow.Table` or
    `ibis.Table`. Several partitions come, and go, as a mapping from partition to frame.
    """

    home: str = Field(default="", description="Folder that the lake lies in; default: GTM_HOME.")

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["LakeFrames"]:
        """Keep the run alive, and make the views again when it ends."""
        with run_scope(context, self._lake()):
            yield self

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write what an asset returned, checked by the contract that is declared for its key."""
        if obj is None:  # an asset that wrote the lake itself
            return
        table, lake = _table(context.asset_key), self._lake()
        contract_of(table)  # a sentence where none is declared
        frames = _by_partition(table, context, obj)
        for partition, frame in frames.items():
            if not (is_frame(frame) or isinstance(frame, ibis.Table)):
                raise FrameExpected(
                    f"{table} returned {type(frame).__name__}; the lake takes a pandas DataFrame, an Arrow table or "
                    f"reader, or an Ibis expression."
                )
            written = lake.write(table, partition, frame)
            if len(frames) == 1:
                context.add_output_metadata(written_metadata(lake, table, partition, written))

    def load_input(self, context: dg.InputContext) -> Any:
        """Read the days of a daily table that the asset depends on, or a source table as of its own day."""
        table, lake = _table(context.asset_key), self._lake()
        shape = context.dagster_type.typing_type
        if contract_of(table).cadence is not None:
            return _shaped(lake.read_day(table, context.partition_key), shape)
        if not context.has_asset_partitions:
            raise PartitionMissing(f"{table} has a partition a day: give the asset partitions, or a mapping to one.")
        frames = {day: _shaped(_partition(lake, table, day), shape) for day in context.asset_partition_keys}
        return frames if len(frames) > 1 else next(iter(frames.values()))

    def _lake(self) -> Lake:
        return Lake(lake_root(Path(self.home) if self.home else settings().home))


def _table(key: dg.AssetKey) -> str:
    return "/".join(key.path)


def _by_partition(table: str, context: dg.OutputContext, obj: Any) -> Mapping[str, Any]:
    if not context.has_asset_partitions:
        raise FrameExpected(f"{table} has no partitions; a table of the lake has one a day: partitions_def=DAYS.")
    days = context.asset_partition_keys
    if isinstance(obj, Mapping):
        if unexpected := sorted(set(obj) - set(days)):
            raise FrameExpected(f"{table} returned {', '.join(unexpected)}, and was run for {', '.join(days)}.")
        return obj
    if len(days) > 1:
        raise FrameExpected(f"{table} was run for {len(days)} days at once: return a frame for each, by day.")
    return {days[0]: obj}


def _partition(lake: Lake, table: str, day: str) -> ibis.Table:
    if not lake.has(table, day):
        raise PartitionMissing(f"{table} has no partition {day}. Make it with: gtm run {table} --partition {day}")
    return lake.partition(table, day)


def _shaped(table: ibis.Table, shape: type) -> Any:
    if shape is ibis.Table:
        return table
    return table.to_pyarrow() if shape is pa.Table else table.to_pandas()
