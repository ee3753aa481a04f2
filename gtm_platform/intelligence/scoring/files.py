"""Tables to be scored, as files: CSV in any usual encoding and with any usual separator, or Parquet."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gtm_platform.identity.matching.csv_files import UnreadableFile, read_csv

PARQUET_MARK = b"PAR1"


def read_frame(path: Path) -> "pd.DataFrame":
    """Read a file whose columns have names."""
    if not path.exists():
        raise UnreadableFile(f"{path} does not exist.")
    if path.is_dir():
        raise UnreadableFile(f"{path} is a folder. Give one CSV or Parquet file.")
    if not _is_parquet(path):
        return pd.DataFrame({name: pd.Series(texts, dtype=object) for name, texts in read_csv(path).columns.items()})
    try:
        frame = pq.read_table(path).to_pandas()
    except (pa.ArrowInvalid, OSError) as error:
        raise UnreadableFile(f"{path} is no Parquet file that can be read: {error}.") from None
    if frame.empty:
        raise UnreadableFile(f"{path} has no rows.")
    return frame


def write_frame(frame: "pd.DataFrame", path: Path) -> None:
    """Write a table as Parquet where the name ends so, else as CSV."""
    if path.suffix.lower() in (".parquet", ".pq"):
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PARQUET_MARK)) == PARQUET_MARK
