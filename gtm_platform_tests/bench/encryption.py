"""The wide table written and read under a key, beside the same rows plain."""

import os
import time
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from gtm_platform.keyring import new_key
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.encrypted_files import rows_of_files
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.rotation import rotate
from gtm_platform.settings import settings
from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.publish import TABLE, settle
from gtm_platform_tests.bench.rounds import compared, in_child, in_turns

DAYS = 10  # files that are read together, whose columns are looked at first where they are encrypted
LIVED = "gtm_platform_tests.bench.encryption:lived"


def lived(rows: int, key: str) -> Mapping[str, Any]:
    """Write days of the wide table and read them, under a key or plain; then rotate them to another key."""
    import gtm_platform.unified.assets  # noqa: F401  declares the table

    _use(key)
    settle(10, str(date.today() + timedelta(days=1)))  # the engine has started, and has its extension
    took = {}
    began = time.perf_counter()
    for ago in range(DAYS):
        settle(rows // DAYS, str(date.today() - timedelta(days=ago)))
    took["write"] = time.perf_counter() - began
    lake = Lake(settings().home / "lake")
    files = lake.files(TABLE)
    with cursor() as connection:
        began = time.perf_counter()
        every = lake.file_query(TABLE, files).sql
        connection.execute(f"select bit_xor(hash(columns(*))) from ({every})").fetchall()
        took["read"] = time.perf_counter() - began
        began = time.perf_counter()
        newest = rows_of_files([files[0].path])
        connection.execute(f"select customer_status, sum(mrr_reporting) from {newest} group by 1").fetchall()
        took["question"] = time.perf_counter() - began
    took["megabytes"] = sum(file.path.stat().st_size for file in files) / 1e6
    if key:
        took["rotate"] = _rotated(lake, key, len(files))
    return took


def _rotated(lake: Lake, key: str, files: int) -> float:
    _use(f"{new_key('k2')},{key}")
    began = time.perf_counter()
    rewritten = len(list(rotate(lake)))
    if rewritten != files:
        raise RuntimeError(f"{rewritten} of {files} files were rotated.")
    return time.perf_counter() - began


def _use(keys: str) -> None:
    if keys:
        os.environ["GTM_KEYS"] = keys
    settings.cache_clear()


def measure(effort: Effort) -> Iterator[Row]:
    rows = effort.of(300_000, 20_000)
    taken = in_turns(
        effort.rounds,
        encrypted=lambda: in_child(LIVED, rows=rows, key=new_key("k1")),
        plain=lambda: in_child(LIVED, rows=rows, key=""),
    )

    def ours_and_plain(what: str) -> dict[str, float]:
        ours, plain = ([float(each.findings[what]) for each in taken[name]] for name in ("encrypted", "plain"))
        return compared(ours, plain)

    for what, most in (("write", 1.5), ("read", 2.0)):
        label = f"{what} {rows:,} rows of the wide table in {DAYS} days"
        yield Row(label, "s", target=Target("≤", most), baseline="plain", **ours_and_plain(what))
    yield Row("one question to one day", "s", baseline="plain", **ours_and_plain("question"))
    yield Row("size", "MB", target=Target("≤", 1.02), baseline="plain", **ours_and_plain("megabytes"))
    yield Row(
        "rotate all of it to another key", "s", min(float(each.findings["rotate"]) for each in taken["encrypted"])
    )


FIGURE = Figure(
    "encryption",
    "The wide table under a key takes at most half as long again to write, and twice as long to read, as plain.",
    measure,
)
