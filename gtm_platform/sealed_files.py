"""Files of a home that are encrypted as a whole: reports, originals of dropped files, answers that are kept.

A file says by its first bytes with which key it is encrypted: AES with GCM, piece by piece, so that a large one is
never in memory. One without them is plain, and is read as it is. What is written is encrypted where GTM_KEYS says so.
"""

import hmac
import io
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from gtm_platform.keyring import KeyProblem, derived, keyring, writing_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK = b"gtm sealed 1\n"
LONGEST_NAME = 16
SALT_BYTES, TAG_BYTES = 16, 16
PIECE = 1 << 18
PURPOSE = "files"
LAST = b"\1"


def key_of(path: Path) -> str:
    """Return the name of the key that a file is encrypted with, by its bytes; empty for a plain one."""
    with open(path, "rb") as file:
        return _head_of(file)[0]


def open_file(path: Path) -> IO[bytes]:
    """Open a file to read what was written into it, encrypted or plain."""
    file = open(path, "rb")  # noqa: SIM115  whoever reads closes it
    try:
        key, head = _head_of(file)
        if not key:
            file.seek(0)
            return file
        return io.BufferedReader(_Pieces(file, head, keyring().key(key, path.name), path.name), PIECE)
    except BaseException:
        file.close()
        raise


def read_bytes(path: Path) -> bytes:
    """Return what was written into a file."""
    with open_file(path) as file:
        return file.read()


def read_text(path: Path) -> str:
    """Return what was written into a file, as text."""
    return read_bytes(path).decode()


def write_bytes(path: Path, body: bytes) -> None:
    """Write a file in place of what was there, whole or not at all."""
    with _replacing(path) as draft:
        _write(io.BytesIO(body), draft, writing_key())


def write_text(path: Path, text: str) -> None:
    """Write a text in place of what was there."""
    write_bytes(path, text.encode())


def take(source: Path, target: Path) -> None:
    """Move a file as somebody left it to where it is kept; it is in one of the two at every moment."""
    key = writing_key()
    if not key:
        shutil.move(source, target)
        return
    with _replacing(target) as draft, open(source, "rb") as file:
        _write(file, draft, key)
    source.unlink()


def rewrite(path: Path, key: str) -> bool:
    """Write a file anew under a key, or plain; False where it is so already, or was replaced meanwhile."""
    try:
        before = path.stat()
        if key_of(path) == key:
            return False
        with _replacing(path) as draft:
            with open_file(path) as file:
                _write(file, draft, key)
            shutil.copystat(path, draft)
            now = path.stat()
            if (now.st_ino, now.st_mtime_ns) != (before.st_ino, before.st_mtime_ns):
                draft.unlink()  # what took its place was written with the key
                return False
    except FileNotFoundError:
        return False
    return True


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(2)}")
    try:
        yield draft
        if draft.exists():
            if path.exists():
                shutil.copymode(path, draft)
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _head_of(file: IO[bytes]) -> tuple[str, bytes]:
    """Return the name of the key and the whole head; an empty name where the file is plain."""
    begin = file.read(len(MARK) + LONGEST_NAME + SALT_BYTES)
    if not begin.startswith(MARK) or len(begin) < len(MARK) + LONGEST_NAME + SALT_BYTES:
        return "", begin
    return begin[len(MARK) : len(MARK) + LONGEST_NAME].rstrip().decode("ascii", "replace"), begin


def _cipher(head: bytes, key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(hmac.digest(derived(key, PURPOSE), head, "sha256"))  # each file has a key of its own


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (LAST if last else b"\0")


def _write(source: IO[bytes], target: Path, key: str) -> None:
    with open(target, "wb") as file:
        if not key:
            shutil.copyfileobj(source, file)
            return
        head = MARK + key.encode().ljust(LONGEST_NAME) + secrets.token_bytes(SALT_BYTES)
        cipher = _cipher(head, keyring().key(key, target.name))
        file.write(head)
        piece, number = source.read(PIECE), 0
        while True:
            following = source.read(PIECE)
            file.write(cipher.encrypt(_nonce(number, last=not following), piece, head))
            if not following:
                return
            piece, number = following, number + 1


class _Pieces(io.RawIOBase):
    """What an encrypted file holds, piece by piece; a piece that lacks, or was changed, is refused."""

    def __init__(self, file: IO[bytes], head: bytes, key: bytes, name: str) -> None:
        self._file, self._head, self._cipher, self._name = file, head, _cipher(head, key), name
        self._number, self._plain = 0, memoryview(b"")
        self._next: bytes | None = file.read(PIECE + TAG_BYTES)

    def readable(self) -> bool:
        """It is only read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with what comes next."""
        while not self._plain and self._next is not None:
            self._plain = memoryview(self._decrypted())
        size = min(len(buffer), len(self._plain))
        buffer[:size], self._plain = self._plain[:size], self._plain[size:]
        return size

    def _decrypted(self) -> bytes:
        from cryptography.exceptions import InvalidTag

        piece, following = self._next or b"", self._file.read(PIECE + TAG_BYTES)
        try:
            plain = self._cipher.decrypt(_nonce(self._number, last=not following), piece, self._head)
        except (InvalidTag, ValueError):
            key = self._head[len(MARK) : len(MARK) + LONGEST_NAME].rstrip().decode()
            raise KeyProblem(
                f"{self._name} cannot be decrypted with the key {key} of GTM_KEYS: it is not the key that it was "
                "encrypted with, or it is damaged."
            ) from None
        self._number, self._next = self._number + 1, following or None
        return plain

    def close(self) -> None:
        """Close the file, too."""
        with closing(self._file):
            super().close()
