"""SQLite files that may be encrypted, by SQLCipher; the package comes with the extra `encryption`.

A plain file is opened by Python's own SQLite, as it always was. Of an encrypted one not even the header can be read.
"""

import sqlite3
from pathlib import Path
from typing import Any

from gtm_platform.keyring import EncryptionMissing, KeyProblem, derived, keyring

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


def connect(path: Path, key: str, options: str = "", **more: Any) -> sqlite3.Connection:
    """Open a file with a key of GTM_KEYS, or a plain one where the name of the key is empty."""
    place = f"file:{path}?{options}" if options else str(path)
    if not key:
        plain: sqlite3.Connection = sqlite3.connect(place, uri=bool(options), **more)
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
    """Whether a SQLite file can be read by anybody, by its first bytes; an empty one is not."""
    with open(path, "rb") as file:
        return file.read(len(PLAIN_HEADER)) == PLAIN_HEADER
