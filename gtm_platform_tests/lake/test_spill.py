"""What does not fit into memory, beside the lake."""

import os
import platform
import subprocess
import sys
import time

import duckdb

from gtm_platform.lake import spill


def test_what_a_dead_process_left_goes_and_what_a_live_one_uses_stays() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    own = spill.folder()
    home, host = own.parent, own.name.rpartition(".")[0]
    left = {pid: home / f"{host}.{pid}" for pid in (gone.pid, os.getpid(), 1)}
    elsewhere = [home / f"{other}.{gone.pid}" for other in (f"other{host}", f"{host}.local", platform.node())]
    for folder in (*left.values(), *elsewhere):
        folder.mkdir(parents=True)
        (folder / "part").touch()
    assert spill.folder() == own == left[os.getpid()]
    assert [folder.exists() for folder in (*left.values(), *elsewhere)] == [False, *[True] * 5]


def test_what_a_container_left_goes_once_nobody_has_touched_it_for_a_day() -> None:
    """Its name never comes again, and its processes are numbered as those of every other."""
    home, old = spill.folder().parent, time.time() - spill.FORGOTTEN_SECONDS - 1
    forgotten, used = home / f"c0ffee-1.{os.getpid()}", home / "decade-2.1"
    for folder in (forgotten, used):
        (folder / "suspects").mkdir(parents=True)
        (folder / "suspects/part").touch()
        for each in (folder, folder / "suspects", *([folder / "suspects/part"] if folder == forgotten else [])):
            os.utime(each, (old, old))
    spill.folder()
    assert (forgotten.exists(), used.exists()) == (False, True)


def test_an_engine_can_spill_into_it() -> None:
    with duckdb.connect() as connection:
        connection.execute("set temp_directory = ?", [str(spill.folder())])
        connection.execute("set memory_limit = '32MB'; set threads = 1; set preserve_insertion_order = false")
        connection.execute("create table wide as select i, repeat(i::varchar, 100) as text from range(400000) t(i)")
        spilt = connection.execute("select sum(size) from duckdb_temporary_files()").fetchone()
    assert spilt
    assert spilt[0] > 0
