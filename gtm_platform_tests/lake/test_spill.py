"""What does not fit into memory, beside the lake."""

import os
import platform
import subprocess
import sys

import duckdb

from gtm_platform.lake import spill
from gtm_platform.settings import settings


def test_what_a_dead_process_left_goes_and_what_a_live_one_uses_stays() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    home, host = settings().home / "spill", platform.node()
    left = {pid: home / f"{host}.{pid}" for pid in (gone.pid, os.getpid(), 1)}
    elsewhere = [home / f"{other}.{gone.pid}" for other in (f"other{host}", f"{host}.local")]
    for folder in (*left.values(), *elsewhere):
        folder.mkdir(parents=True)
        (folder / "part").touch()
    assert spill.folder() == left[os.getpid()]
    assert [folder.exists() for folder in (*left.values(), *elsewhere)] == [False, True, True, True, True]


def test_an_engine_can_spill_into_it() -> None:
    with duckdb.connect() as connection:
        connection.execute("set temp_directory = ?", [str(spill.folder())])
        connection.execute("set memory_limit = '32MB'; set threads = 1; set preserve_insertion_order = false")
        connection.execute("create table wide as select i, repeat(i::varchar, 100) as text from range(400000) t(i)")
        spilt = connection.execute("select sum(size) from duckdb_temporary_files()").fetchone()
    assert spilt
    assert spilt[0] > 0
