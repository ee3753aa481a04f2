"""The named keys that a home is encrypted with at rest: which one encrypts, which others still decrypt.

`GTM_KEYS` names them, the newest first, as `k2:KEY,k1:KEY`; the first encrypts. The word `plain` in the first place
says that nothing is encrypted any more. What uses them is in the modules of what is encrypted: `lake.encryption`,
`state.encrypted_sqlite`.

A home that was ever encrypted notes a check of each key in `keys.json`, from which no key can be learned: a wrong key
is recognised before anything is read, and a process without keys writes nothing, as that would be plain text.
"""

import base64
import binascii
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from gtm_platform.settings import SettingsError, settings, words

PLAIN = "plain"  # in the place of a key: nothing is encrypted
NAME = re.compile(r"[a-z][a-z0-9]{0,15}")
RESERVED = (PLAIN, "full", "part", "open", "rows")  # words of files' names
KEY_BYTES = 32
NOTE = "keys.json"
PACKAGES = ("duckdb_extension_httpfs", "sqlcipher3")  # of the extra `encryption`
CHECKED = b"gtm_platform: check of a key "


class KeyProblem(SettingsError):
    """A key is missing, wrong, or cannot be used; the message names it."""


class EncryptionMissing(RuntimeError):
    """A package that encrypts is not installed; the message says how it is."""

    def __init__(self) -> None:
        super().__init__(
            "GTM_KEYS asks for encryption, which needs packages: pip install 'gtm-platform[encryption]'. Nothing was "
            "written."
        )


@dataclass(frozen=True)
class Keyring:
    """The keys by name, the newest first.

    `first` is the word of the first place, empty where no key is set.
    """

    first: str = ""
    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    order: Sequence[str] = ()

    @property
    def writing(self) -> str:
        """The name of the key that encrypts; empty where files are plain."""
        return "" if self.first == PLAIN else self.first

    def key(self, name: str, subject: str) -> bytes:
        """Return a key; KeyProblem where GTM_KEYS lacks it, as the subject cannot be read then."""
        if name not in self.keys:
            raise KeyProblem(
                f"{subject} is encrypted with the key {name}, which GTM_KEYS does not have. Put {name}:KEY back, "
                "behind a comma after the present ones."
            )
        return self.keys[name]

    def rank(self, name: str) -> int:
        """Return the place of a key, 0 for the newest and less for older ones; an empty name is plain text."""
        name = name or PLAIN
        return -self.order.index(name) if name in self.order else -len(self.order)


def keyring() -> Keyring:
    """Return the keys of the environment."""
    value = settings().gtm_keys
    return _parsed(value.get_secret_value()) if value else NO_KEYS


NO_KEYS = Keyring()


@lru_cache(maxsize=16)
def _parsed(value: str) -> Keyring:
    keys: dict[str, bytes] = {}
    order: list[str] = []
    for number, word in enumerate(words(value)):
        name, colon, text = word.partition(":")
        if word == PLAIN:
            if number:
                raise KeyProblem(f"GTM_KEYS has the word {PLAIN} in place {number + 1}; it stands first or not at all.")
        elif not NAME.fullmatch(name) or name in RESERVED or not colon:
            raise KeyProblem(
                f"Entry {number + 1} of GTM_KEYS is not a name, a colon and a key, as k1:KEY: names are up to 16 small "
                f"letters and digits, and none of {', '.join(RESERVED)}. `gtm key new` makes one."
            )
        elif name in keys:
            raise KeyProblem(f"GTM_KEYS has the key {name} twice. Each key has a name of its own.")
        else:
            keys[name] = _decoded(name, text)
        order.append(name)
    return Keyring(order[0], keys, tuple(order)) if order else NO_KEYS


def _decoded(name: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyProblem(f"The key {name} of GTM_KEYS is not base64 of {KEY_BYTES} bytes. `gtm key new` makes one.")
    return key


def new_key(name: str) -> str:
    """Make a key, as an entry of GTM_KEYS."""
    if not NAME.fullmatch(name) or name in RESERVED:
        raise KeyProblem(f"{name} is no name for a key: up to 16 small letters and digits, none of {RESERVED}.")
    return f"{name}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def derived(key: bytes, purpose: str) -> bytes:
    """Return a key of its own for a purpose, so that no two kinds of files share one."""
    return hmac.new(key, f"gtm_platform: {purpose}".encode(), hashlib.sha256).digest()


# --- what a home knows of its keys -----------------------------------------------------------------------------------


def writing_key() -> str:
    """Return the name of the key that encrypts what is written now; empty where it is to be plain.

    KeyProblem where nothing may be written: the home is encrypted and no key is set, or one has another value.
    """
    ring, home = keyring(), settings().home
    noted = noted_keys(home)
    if not ring.first:
        if noted:
            raise KeyProblem(
                f"{home} is encrypted (with {_named(noted)}), and GTM_KEYS is not set: nothing is written, as it "
                f"would be plain text. Set GTM_KEYS; or {PLAIN}, before the keys, to end encryption."
            )
        return ""
    require_right_keys()
    if ring.writing and ring.writing not in noted:
        if not can_encrypt():  # before anything says that the home is encrypted
            raise EncryptionMissing
        _note(home, ring.writing, check_of(ring, ring.writing))
    return ring.writing


def can_encrypt() -> bool:
    """Whether the packages that encrypt are installed."""
    return all(find_spec(package) for package in PACKAGES)


def require_right_keys() -> None:
    """Raise KeyProblem where a key has another value than the one that the home was encrypted with."""
    ring, home = keyring(), settings().home
    for name, check in noted_keys(home).items():
        if name in ring.keys and not hmac.compare_digest(check, check_of(ring, name)):
            raise KeyProblem(
                f"The key {name} of GTM_KEYS is not the one that {home} was encrypted with. Nothing was read or "
                f"written. Set the right one; a new key gets a new name."
            )


def check_of(ring: Keyring, name: str) -> str:
    """Return what a home notes of a key."""
    return hmac.new(ring.keys[name], CHECKED + name.encode(), hashlib.sha256).hexdigest()


def noted_keys(home: Path) -> Mapping[str, str]:
    """Return the names of the keys that a home was encrypted with, each with its check."""
    note = home / NOTE
    try:
        return _noted(note, os.stat(note).st_mtime_ns)
    except FileNotFoundError:
        return {}


@lru_cache(maxsize=16)
def _noted(note: Path, changed: int) -> Mapping[str, str]:  # noqa: ARG001  a file that changed is read again
    try:
        noted: dict[str, str] = json.loads(note.read_text())
    except ValueError:
        raise KeyProblem(f"{note} is damaged. Restore it from a backup, or remove it: it is made again.") from None
    return noted


def _note(home: Path, name: str, check: str) -> None:
    with _changing(home) as noted:
        noted.setdefault(name, check)


def forget_keys(home: Path, names: Sequence[str]) -> None:
    """Note that a home has nothing left that is encrypted with some keys."""
    with _changing(home) as noted:
        for name in names:
            noted.pop(name, None)


@contextmanager
def _changing(home: Path) -> Iterator[dict[str, str]]:
    """The note of a home, to be changed by one process at a time; it is replaced whole."""
    home.mkdir(parents=True, exist_ok=True)
    note = home / NOTE
    with open(note.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        noted = dict(noted_keys(home))
        yield noted
        if noted:
            draft = note.with_name(f".{NOTE}")
            draft.write_text(json.dumps(noted, indent=1, sort_keys=True))
            draft.replace(note)
        else:
            note.unlink(missing_ok=True)


def _named(names: Mapping[str, str]) -> str:
    return "the key " + ", ".join(sorted(names)) if len(names) == 1 else "the keys " + ", ".join(sorted(names))
