"""What DuckDB needs to read and write encrypted files: the keys, and OpenSSL to write.

That is in its extension httpfs, from the package that the extra `encryption` installs; nothing is ever fetched.
Reading works without, though more slowly.
"""

import base64
from importlib.util import find_spec
from pathlib import Path

import duckdb

from gtm_platform.keyring import EncryptionMissing, KeyProblem, keyring, require_right_keys

EXTENSION = "duckdb_extension_httpfs"
OUTSIDE = ("HTTPFileSystem", "S3FileSystem", "HuggingFaceFileSystem")  # what else it brings


def equip(connection: duckdb.DuckDBPyConnection, *, asks_nobody: bool = False) -> None:
    """Hand the keys of the environment to a DuckDB, so that it reads and writes encrypted files.

    The extension that encrypts can ask web servers, too: `asks_nobody` where people's own queries are run.
    """
    ring = keyring()
    if not ring.keys:
        return
    require_right_keys()
    file = extension_file()
    if file:
        connection.execute(f"load {_text(str(file))}")
        if asks_nobody:
            connection.execute(f"set disabled_filesystems = {_text(','.join(OUTSIDE))}")
    elif ring.writing:
        raise EncryptionMissing
    if ring.writing:
        connection.execute("set temp_file_encryption = true")  # what does not fit into memory
    for name, key in ring.keys.items():
        try:
            connection.execute(f"pragma add_parquet_key({_text(name)}, {_text(base64.b64encode(key).decode())})")
        except duckdb.Error:  # its text has the key
            raise KeyProblem(f"DuckDB does not take the key {name} of GTM_KEYS.") from None


def extension_file() -> Path | None:
    """Return the file of the extension; None where the package is not installed."""
    spec = find_spec(EXTENSION)
    if spec is None or spec.origin is None:
        return None
    return next(Path(spec.origin).parent.rglob("*.duckdb_extension"), None)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
