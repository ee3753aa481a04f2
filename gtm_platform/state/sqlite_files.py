"""SQLite files that may be encrypted, by SQLCipher; the package comes with the extra `encryption`.

A plain file is opened by Python's own SQLite, as it always was. Of an encrypted one not even the header can be read.
"""

import os
import sqlite3
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any

from gtm_platform.keyring import EncryptionMissing, KeyProblem, can_encrypt, derived, keyring, noted_keys
from gtm_platform.settings import settings

PLAIN_HEADER = b"SQLite format 3\0"
PAGE_BYTES = 8192
PURPOSE = "sqlite"  # the key of a file is made for it


def cipher() -> Any:
    """Return the module that opens encrypted files, which has the functions of sqlite3."""
    try:
        from sqlcipher3 import dbapi2
    except ImportError:
        raise EncryptionMissing from None
    return dbapi2


def connect(path: Path, key: str, options: str = "", *, module: Any = None, **more: Any) -> sqlite3.Connection:
    """Open a file with a key of GTM_KEYS, or a plain one where the name of the key is empty.

    A module other than Python's own may open a plain file: whoever handles its errors knows one kind of them.
    """
    place = f"file:{path}?{options}" if options else str(path)
    if not key:
        plain: sqlite3.Connection = (module or sqlite3).connect(place, uri=bool(options), **more)
        return plain
    secret = derived(keyring().key(key, path.name), PURPOSE)
    module = cipher()
    opened: sqlite3.Connection = module.connect(place, uri=bool(options), **more)
    unlock(opened, secret)
    try:
        opened.execute("select count(*) from sqlite_master").fetchone()
    except module.DatabaseError:
        opened.close()
        raise KeyProblem(
            f"{path.name} cannot be decrypted with the key {key} of GTM_KEYS: it is not the key that it was encrypted "
            f"with, or it is damaged."
        ) from None
    return opened


def unlock(connection: Any, secret: bytes) -> None:
    """Hand the key to a connection; its text is in no error, as nothing is read yet."""
    connection.execute("pragma cipher_log_level = NONE")  # it would write to the terminal what is raised anyway
    connection.execute(f"pragma key = \"x'{secret.hex()}'\"")
    connection.execute(f"pragma cipher_page_size = {PAGE_BYTES}")


def is_plain(path: Path) -> bool:
    """Whether a SQLite file that nobody writes is plain, by its first bytes; an empty one is not."""
    with open(path, "rb") as file:
        return file.read(len(PLAIN_HEADER)) == PLAIN_HEADER


# --- files whose names do not say the key ----------------------------------------------------------------------------

# When a process closes a file, the system drops all locks that it has on it, those of SQLite's connections, too, and
# another process damages what it takes for closed. So what was opened for a look is never closed, and only one SQLite
# opens a file.
_looked_into: dict[tuple[int, int], int] = {}


def _begin_of(path: Path) -> bytes:
    status = os.stat(path)
    file = _looked_into.get((status.st_dev, status.st_ino))
    if file is None:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        opened = os.fstat(file)
        _looked_into[opened.st_dev, opened.st_ino] = file
    return os.pread(file, len(PLAIN_HEADER), 0)


def module_of_home() -> Any:
    """Return the SQLite by which a process opens all files that are written to."""
    return cipher() if keyring().first and can_encrypt() else sqlite3


def _may_be_encrypted() -> bool:
    return bool(keyring().keys or noted_keys(settings().home))


def key_of(path: Path) -> str | None:
    """Return which key opens a file, by its name; empty for a plain or new one, None where none does."""
    begin = _begin_of(path) if _may_be_encrypted() and path.exists() else b""
    if not begin or begin == PLAIN_HEADER:
        return ""
    return _key_of(path, begin, tuple(keyring().keys.items()))


@lru_cache(maxsize=64)
def _key_of(path: Path, salt: bytes, keys: tuple[tuple[str, bytes], ...]) -> str | None:  # noqa: ARG001  of the file
    return next((name for name, _ in keys if _opens(path, name)), None)


def _opens(path: Path, key: str) -> bool:
    try:
        connect(path, key, "mode=ro").close()
    except KeyProblem:
        return False
    return True


def required_key_of(path: Path) -> str:
    """Return the name of the key that a file opens with; KeyProblem where GTM_KEYS lacks it."""
    if (key := key_of(path)) is not None:
        return key
    names = ", ".join(keyring().keys)
    noted = noted_keys(settings().home)
    if not names and not noted:
        return ""  # nothing was ever encrypted here: it is no file of SQLite, which SQLite says itself
    lacking = ", ".join(sorted(noted.keys() - keyring().keys.keys()))
    have = f"none of the keys of GTM_KEYS ({names}) opens it" if names else "GTM_KEYS has no key"
    raise KeyProblem(
        f"{path.name} is encrypted, and {have}: put back {lacking or 'the one that it was encrypted with'}, behind a "
        "comma after the present ones; or it is damaged."
    )


def opened(path: Path, options: str = "", **more: Any) -> sqlite3.Connection:
    """Open a file with the key that it is encrypted with, if any."""
    return connect(path, required_key_of(path), options, **more)


def copy_under_key(source: sqlite3.Connection, target: Path, key: str) -> None:
    """Write all that a connection of SQLCipher reads into a new file under another key, or a plain one."""
    secret = f"x'{derived(keyring().key(key, target.name), PURPOSE).hex()}'" if key else ""
    source.execute("attach ? as anew key ?", (str(target), secret))
    try:
        if key:
            source.execute(f"pragma anew.cipher_page_size = {PAGE_BYTES}")
        source.execute("select sqlcipher_export('anew')").fetchall()
    finally:
        source.execute("detach anew")


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many rows each table of a file has."""
    tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
    return {name: connection.execute(f'select count(*) from "{name}"').fetchone()[0] for (name,) in tables}


def rewrite(path: Path, key: str) -> bool:
    """Write a file that nobody has open anew under a key; False where it is under it already."""
    if required_key_of(path) == key:
        return False
    draft = path.with_name(f".{path.name}.anew")
    draft.unlink(missing_ok=True)
    try:
        with closing(opened(path, module=cipher(), isolation_level=None)) as source:
            copy_under_key(source, draft, key)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return True
