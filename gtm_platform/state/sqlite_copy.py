"""Whole copies of SQLite files while they are written to, and the copy that is made before a state is migrated."""

import os
from contextlib import closing, suppress
from pathlib import Path

from gtm_platform.state.sqlite_files import connect, key_of, module_of_home, opened, required_key_of

COPIES = "state-copies"  # the folder beside the state
KEPT = 3  # versions


def copy_database(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment, with what its log holds; readers and writers go on."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        key, module = required_key_of(source), module_of_home()  # the copy is under it, too
        with (
            closing(connect(source, key, "mode=ro", module=module, timeout=60)) as old,
            closing(connect(draft, key, module=module)) as new,
        ):
            old.backup(new)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def version_of(database: Path) -> str | None:
    """Return which version of the schema a state has; None for a file that is no state."""
    if (key := key_of(database)) is None:  # no file of SQLite, or one whose key GTM_KEYS lacks
        return None
    module = module_of_home()
    with suppress(module.Error), closing(connect(database, key, "mode=ro", module=module)) as state:
        row = state.execute("select version_num from alembic_version").fetchone()
        return str(row[0]) if row else None
    return None


def keep_before_migration(database: Path) -> Path | None:
    """Keep a copy of a state under the name of its version; None where there is nothing to keep.

    Two processes that open it at once keep the same copy: one that was migrated meanwhile is not kept.
    """
    version = version_of(database) if database.exists() else None
    if version is None:
        return None
    folder = database.parent / COPIES
    copied = folder / f"copying.{os.getpid()}.db"
    copy_database(database, copied)
    with closing(opened(copied)) as copy:
        copy.execute("pragma journal_mode=delete")  # one file, whoever looks into it
    kept = folder / f"{database.stem}.{version}.db"
    if version_of(copied) != version:
        copied.unlink()
        return None
    copied.replace(kept)
    for old in sorted(folder.glob(f"{database.stem}.*.db"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return kept


def newest_copy(database: Path, version: str) -> Path | None:
    """Return the newest copy beside a state that a version can open; None where there is none."""
    copies = sorted((database.parent / COPIES).glob(f"{database.stem}.*.db"))
    return next((copy for copy in reversed(copies) if copy.suffixes[-2].removeprefix(".") <= version), None)
