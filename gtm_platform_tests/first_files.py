"""What an empty home begins with, made once in a process and copied: to make it takes longer than many a test.

The catalogue has hundreds of views, the state ten migrations. What makes them is tested where it is called itself.
"""

import atexit
import os
import sqlite3
from functools import cache
from pathlib import Path
from shutil import copyfile, copytree, rmtree
from tempfile import mkdtemp

import sqlalchemy as sa

from gtm_platform.lake import catalogue
from gtm_platform.lake.lake import Lake
from gtm_platform.state import sqlite_files, store
from gtm_platform.state.store import State

FOLDER = Path(mkdtemp(prefix="gtm-first-"))
atexit.register(rmtree, FOLDER, ignore_errors=True)
migrate = store._bring_up


def renew(lake: Lake) -> bool:
    """Renew the catalogue; that of an empty home begins as a copy of the first one."""
    target = catalogue.path_of(lake)
    if not target.exists():
        copyfile(_catalogue(), target)
    return catalogue.renew(lake)


def bring_up(state: State) -> None:
    """Migrate the state; an empty SQLite gets the tables of the first one."""
    if state.engine.dialect.name != "sqlite" or sa.inspect(state.engine).get_table_names():
        migrate(state)
        return
    statements = _tables()
    with state.writing() as tx:  # whoever comes second waits here, and finds nothing left to do
        if not sa.inspect(tx).get_table_names():
            for statement in statements:
                tx.exec_driver_sql(statement)


def linked(made: Path, folder: Path) -> Lake:
    """Return a lake with the files of another, which stays as it is: a file of a lake is replaced, never changed."""
    copytree(made, folder, copy_function=os.link)
    return Lake(folder)


@cache
def _catalogue() -> Path:
    lake = Lake(FOLDER / "lake")
    catalogue.renew(lake)
    return catalogue.path_of(lake)


@cache
def _tables() -> list[str]:
    path = FOLDER / "state.db"
    state = State(store._engine(f"sqlite:///{path}"))
    migrate(state)
    state.close()
    if sqlite_files.key_of(path):  # the test that comes first has keys
        sqlite_files.rewrite(path, "")
    with sqlite3.connect(path) as connection:
        dump = [line for line in connection.iterdump() if line not in ("BEGIN TRANSACTION;", "COMMIT;")]
    connection.close()
    return dump
