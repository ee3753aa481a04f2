"""Bodies of deliveries that cannot be asked for again: encrypted as long as they lie in the state."""

import zlib
from typing import TYPE_CHECKING

from gtm_platform.settings import SettingsError, settings, words

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class CannotDecrypt(RuntimeError):
    """A body was encrypted with a key that is not set any more."""


def new_key() -> str:
    """Make a key."""
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def has_key() -> bool:
    """Whether a key is set that can be used."""
    try:
        return settings().gtm_encryption_key is not None and _keys() is not None
    except SettingsError:
        return False


def encrypt(body: bytes) -> bytes:
    """Encrypt a body with the first key; SettingsError where none is set."""
    return _keys().encrypt(zlib.compress(body, 1))


def decrypt(encrypted: bytes) -> bytes:
    """Return a body that was encrypted with one of the keys."""
    from cryptography.fernet import InvalidToken

    try:
        return zlib.decompress(_keys().decrypt(encrypted))
    except InvalidToken:
        raise CannotDecrypt(
            "What a webhook brought was encrypted with a key that GTM_ENCRYPTION_KEY no longer has. Put the key back, "
            "behind a comma after the present one."
        ) from None


def _keys() -> "MultiFernet":
    from cryptography.fernet import Fernet, MultiFernet

    value = settings().gtm_encryption_key
    try:
        return MultiFernet([Fernet(word) for word in words(value.get_secret_value() if value else "")])
    except ValueError:
        raise SettingsError("GTM_ENCRYPTION_KEY is not a key. `gtm hooks key` makes one.") from None
