"""The lake in a bucket (S3, Google Cloud Storage, Azure): a put appears whole, and so it is the commit.

Files are read from copies on this machine. A run lists once, and sees what it writes itself.
"""

import json
import os
import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from gtm_platform.keyring import NOTE as KEYS
from gtm_platform.keyring import KeyProblem, Keyring, check_of, forget_keys, keyring
from gtm_platform.lake.bucket_copies import Copies
from gtm_platform.lake.bucket_errors import MISSING, BucketFailed, NameUsed, failing
from gtm_platform.lake.encrypted_files import key_of
from gtm_platform.lake.parts import is_marker
from gtm_platform.lake.storage_errors import storage_errors
from gtm_platform.lake.store import hidden_in, hidden_name
from gtm_platform.settings import settings

if TYPE_CHECKING:
    from obstore.store import ObjectStore

AT_ONCE = 16  # requests
ONE_PUT = 64 << 20  # bytes up to which a file is one request, which may be conditional
PATIENCE = {
    "max_retries": 8,
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=15), "base": 2},
    "retry_timeout": timedelta(minutes=3),
}
TIMEOUT = "60s"  # of a request without an answer
PROBE = ".probe"
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AZURE_STORAGE_ENDPOINT", "GOOGLE_SERVICE_URL")


def client() -> Any:
    """Return the library, which is imported only where a lake lies in a bucket."""
    try:
        import obstore
    except ImportError:
        raise BucketFailed(MISSING) from None
    return obstore


@dataclass
class Bucket:
    """A bucket or a part of one, the folder of this machine's copies, and how many bytes those may take."""

    address: str
    root: Path
    room: int
    patience: dict[str, Any] = field(default_factory=lambda: PATIENCE)
    _sizes: dict[str, dict[str, int]] = field(default_factory=dict)  # by table and name, of the newest listings
    _own: dict[str, dict[str, int]] = field(default_factory=dict)  # published here, and in no listing yet
    _scopes: int = 0
    _listing: dict[str, dict[str, int]] | None = None  # of the run
    _allowed: dict[str, Keyring] = field(default_factory=dict)  # keys of files that may be put, by name
    _lock: RLock = field(default_factory=RLock)

    @cached_property
    def copies(self) -> Copies:
        """This machine's copies."""
        return Copies(self.root, self.room)

    @cached_property
    def _objects(self) -> "ObjectStore":
        client()
        from obstore.store import from_url

        endpoint = next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), "")
        options: Any = {"timeout": TIMEOUT, "allow_http": endpoint.startswith("http://")}
        patience: Any = self.patience
        with self._failing("be opened"):
            return from_url(self.address, client_options=options, retry_config=patience)

    # --- listing -----------------------------------------------------------------------------------------------------

    def tables(self) -> list[str]:
        """List the tables that have files."""
        return sorted(table for table, names in self._everything().items() if names)

    def has_files(self) -> bool:
        """Whether anything lies below the address, be it a table's or not."""
        obstore = client()
        with self._failing("be listed"):
            pages = obstore.list(self._objects)
            return any(entry["path"].rpartition("/")[2][0] != "." for page in pages for entry in page)

    def names(self, table: str) -> list[str]:
        """List the files of a table."""
        with self._lock:
            if self._scopes:
                return list(self._everything().get(table, {}))
        return list(self._seen(table, self._listed(f"{table}/").get(table, {})))

    @contextmanager
    def listed_once(self) -> Iterator[None]:
        """List everything once for as long as the context lasts; what is written or removed here shows at once."""
        with self._lock:
            self._scopes += 1
        try:
            yield
        finally:
            with self._lock:
                self._scopes -= 1
                if not self._scopes:
                    self._listing = None

    def _everything(self) -> dict[str, dict[str, int]]:
        """Every table's files: the listing of the run, else a new one, of many folders at a time."""
        with self._lock:
            if self._listing is not None:
                return self._listing
            obstore = client()
            with self._failing("be listed"):
                schemas = obstore.list_with_delimiter(self._objects)["common_prefixes"]
            with ThreadPoolExecutor(AT_ONCE) as threads:
                parts = list(threads.map(self._listed, [f"{schema}/" for schema in schemas if schema[0] != "."]))
            listed = {table: names for part in parts for table, names in part.items()}
            tables = listed.keys() | self._own.keys() | self.copies.tables()
            everything = {table: self._seen(table, listed.get(table, {})) for table in tables}
            if self._scopes:
                self._listing = everything
            return everything

    def _listed(self, prefix: str) -> dict[str, dict[str, int]]:
        """The files below a prefix with their sizes, by table; hidden ones are left out."""
        obstore = client()
        by_table: dict[str, dict[str, int]] = {}
        with self._failing("be listed"):
            for page in obstore.list(self._objects, prefix):
                for entry in page:
                    table, _, name = entry["path"].rpartition("/")
                    if name[0] != "." and table.count("/") == 1:
                        by_table.setdefault(table, {})[name] = entry["size"]
        return by_table

    def _seen(self, table: str, listed: dict[str, int]) -> dict[str, int]:
        """What is listed of a table, and what was published here, also where the listing is behind."""
        with self._lock:
            own = self._own.get(table, {})
            self._own[table] = {name: size for name, size in own.items() if name not in listed}
            seen = listed | self._own[table]
            self._sizes[table] = dict(seen)
        self.copies.drop_removed(table, seen)
        return seen

    def hidden(self) -> list[Path]:
        """List drafts on this machine, and what was set aside in the bucket."""
        obstore = client()
        with self._failing("be listed"):
            keys = [entry["path"] for page in obstore.list(self._objects) for entry in page]
        asides = {self.root / key for key in keys if "/" in key and key.rpartition("/")[2][0] == "."}
        return sorted(asides.union(hidden_in(self.root)))

    def size(self, path: Path) -> int:
        """Return the bytes of a file, as it was listed."""
        return self._known_size(path) or 0

    def _known_size(self, path: Path) -> int | None:
        return self._sizes.get(self._table(path), {}).get(path.name)

    def published(self, path: Path) -> float | None:
        """Return when a file was put into the bucket, by a look at it; of a draft here, when it was written."""
        obstore = client()
        with self._failing(f"look at {self._key(path)}"):
            try:
                return float(obstore.head(self._objects, self._key(path))["last_modified"].timestamp())
            except FileNotFoundError:
                return path.stat().st_mtime if path.name[0] == "." and path.exists() else None

    # --- copies ------------------------------------------------------------------------------------------------------

    def fetch(self, paths: Iterable[Path]) -> None:
        """Copy files to this machine, those that are not here; note of the others that they were read."""
        paths = list(paths)
        if marker := next(filter(is_marker, paths), None):
            raise BucketFailed(
                f"{self.address} has {self._key(marker)}, a file in parts, which is read in a folder only. Make it "
                f"again: gtm run {self._table(marker)} --partition {marker.name.partition('.')[0]}"
            )
        lacking = [path for path in dict.fromkeys(paths) if not self.copies.has(path, self._known_size(path))]
        if len(lacking) == 1:
            self._copy(lacking[0])
        elif lacking:
            with ThreadPoolExecutor(AT_ONCE) as threads:
                list(threads.map(self._copy, lacking))

    def renew(self, path: Path) -> bool:
        """Copy a file to this machine anew; False for one that is not of the bucket."""
        if not path.is_relative_to(self.root):
            return False
        path.unlink(missing_ok=True)
        self._copy(path)
        return True

    def _copy(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.parquet")
        try:
            with self._failing(f"give {self._key(path)}"), storage_errors(path):
                self._download(self._key(path), draft)
            self.copies.keep(draft, path)
        finally:
            draft.unlink(missing_ok=True)

    def _download(self, key: str, draft: Path) -> None:
        """Write what the bucket has under a key; an answer that breaks off is asked for again."""
        obstore = client()
        from obstore.exceptions import BaseError

        for last in (False, False, True):
            answer = obstore.get(self._objects, key)
            with nullcontext() if last else suppress(BaseError), open(draft, "wb") as file:
                for chunk in answer.stream(min_chunk_size=4 << 20):
                    file.write(chunk)
            if draft.stat().st_size == answer.meta["size"]:
                return
        raise BucketFailed(f"{self.address} gave less than all of {key}, {answer.meta['size']:,} bytes. Run it again.")

    # --- writing -----------------------------------------------------------------------------------------------------

    def publish(self, draft: Path, target: Path) -> None:
        """Put a draft under its name unless the name is taken; it stays here as the copy."""
        obstore = client()
        from obstore.exceptions import AlreadyExistsError

        self._require_right_key(key_of(target))
        key, size = self._key(target), draft.stat().st_size
        with self._failing(f"take {key}"):
            try:
                if size <= ONE_PUT:
                    obstore.put(self._objects, key, draft, mode="create", use_multipart=False)
                elif self._size_of(key) is None:
                    obstore.put(self._objects, key, draft, use_multipart=True)
                else:
                    raise AlreadyExistsError(key)
            except AlreadyExistsError:
                if not self._has(key, draft):  # else it is this very file, of a put whose answer was lost
                    raise NameUsed(f"{self.address} has another file of the name {key}. Run it again.") from None
        with self._lock:
            table = self._table(target)
            self._own.setdefault(table, {})[target.name] = size
            self._sizes.setdefault(table, {})[target.name] = size
            if self._listing is not None:
                self._listing.setdefault(table, {})[target.name] = size
        self.copies.keep(draft, target)

    def publish_parts(self, paths: Sequence[Path], rows: int) -> None:  # noqa: ARG002
        """Refuse: what is written in parts is written into a folder that all who write see."""
        raise BucketFailed(f"{self.address} takes whole files: {paths[0].parent} cannot be put into it in parts.")

    def _has(self, key: str, draft: Path) -> bool:
        obstore = client()
        return (
            self._size_of(key) == draft.stat().st_size
            and bytes(obstore.get(self._objects, key).bytes()) == draft.read_bytes()
        )

    def _size_of(self, key: str) -> int | None:
        obstore = client()
        try:
            return int(obstore.head(self._objects, key)["size"])
        except FileNotFoundError:
            return None

    def remove(self, path: Path) -> None:
        """Remove a file from the bucket, and its copy from here."""
        obstore = client()
        with self._failing(f"remove {self._key(path)}"), suppress(FileNotFoundError):
            obstore.delete(self._objects, self._key(path))
        self._forget(path)

    def set_aside(self, path: Path) -> None:
        """Rename a file in the bucket, so that no listing shows it."""
        obstore = client()
        with self._failing(f"set {self._key(path)} aside"):
            obstore.copy(self._objects, self._key(path), self._key(hidden_name(path)))
            obstore.delete(self._objects, self._key(path))
        self._forget(path)

    def _forget(self, path: Path) -> None:
        table = self._table(path)
        with self._lock:
            for listing in (self._own, self._sizes, self._listing or {}):
                listing.get(table, {}).pop(path.name, None)
        path.unlink(missing_ok=True)

    # --- the bucket itself -------------------------------------------------------------------------------------------

    def refuses_a_second_put(self) -> bool:
        """Write a file twice under one name, unless it is there: whether the second put was refused. It is removed."""
        obstore = client()
        from obstore.exceptions import AlreadyExistsError

        key = f"{PROBE}/{secrets.token_hex(8)}"
        with self._failing("be written to"):
            obstore.put(self._objects, key, b"first", mode="create", use_multipart=False)
            try:
                obstore.put(self._objects, key, b"second", mode="create", use_multipart=False)
            except AlreadyExistsError:
                return bytes(obstore.get(self._objects, key).bytes()) == b"first"
            finally:
                obstore.delete(self._objects, key)
        return False

    def read_mark(self, name: str) -> bytes | None:
        """Return what a file beside the tables holds; None without one."""
        obstore = client()
        with self._failing("be read"):
            try:
                return bytes(obstore.get(self._objects, name).bytes())
            except FileNotFoundError:
                return None

    def write_mark(self, name: str, content: bytes) -> None:
        """Write a file beside the tables."""
        obstore = client()
        with self._failing("be written to"):
            obstore.put(self._objects, name, content)

    def noted_keys(self) -> dict[str, str]:
        """Return the names of the keys that files were encrypted with, by any machine, each with its check."""
        noted: dict[str, str] = json.loads(self.read_mark(KEYS) or b"{}")
        return noted

    def forget_keys(self, names: Collection[str]) -> None:
        """Note that nothing is left that is encrypted with some keys."""
        noted = self.noted_keys()
        if not noted.keys().isdisjoint(names):
            self._note_keys({name: check for name, check in noted.items() if name not in names})

    def _note_keys(self, noted: dict[str, str]) -> None:
        self._allowed.clear()
        self.write_mark(KEYS, json.dumps(noted, indent=1, sort_keys=True).encode())

    def _require_right_key(self, name: str) -> None:
        """Raise KeyProblem where a file is not to be put: a plain one beside encrypted ones, or one of a wrong key."""
        ring = keyring()
        if self._allowed.get(name) is ring:
            return
        noted = self.noted_keys()
        if noted and not ring.first:
            raise KeyProblem(
                f"{self.address} is encrypted (with {', '.join(sorted(noted))}), and GTM_KEYS is not set: nothing is "
                f"written, as it would be plain text. Set GTM_KEYS; or plain, before the keys, to end encryption."
            )
        if name and noted.get(name, check_of(ring, name)) != check_of(ring, name):
            forget_keys(settings().home, [name])  # else this machine would refuse the right one
            raise KeyProblem(
                f"The key {name} of GTM_KEYS is not the one that {self.address} was encrypted with. Nothing was "
                f"written. Set the right one; a new key gets a new name."
            )
        if name and name not in noted:
            self._note_keys(noted | {name: check_of(ring, name)})
        self._allowed[name] = ring

    def _key(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _table(self, path: Path) -> str:
        return path.parent.relative_to(self.root).as_posix()

    def _failing(self, what: str) -> AbstractContextManager[None]:
        return failing(self.address, what)


@cache
def bucket_at(address: str, root: Path, room: int) -> Bucket:
    """Return the bucket of an address, one for the process: it remembers what it listed."""
    return Bucket(address, root, room)
