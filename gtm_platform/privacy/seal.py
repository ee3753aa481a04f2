"""What the privacy key does beside hashing: it seals whom a plan is about, and signs receipts."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

from gtm_platform.ingest.suppression import VARIABLE, PrivacyKey, privacy_keys
from gtm_platform.privacy.person import Person
from gtm_platform.settings import SettingsError

SIGNATURE = "signature"


class WrongKey(RuntimeError):
    """Something was sealed or signed with a key that is not set any more; the message names the variable."""


def new_key() -> str:
    """Make a key for GTM_PRIVACY_KEY."""
    return secrets.token_urlsafe(48)


def required_keys() -> tuple[PrivacyKey, ...]:
    """Return the keys; SettingsError where there is none."""
    if keys := privacy_keys():
        return keys
    raise SettingsError(
        f"{VARIABLE} is not set: without it an erased person would come back with the next sync. "
        f"`gtm erase --new-key` makes one; keep it with your other keys."
    )


def seal(person: Person, key: PrivacyKey) -> bytes:
    """Encrypt whom a plan is about."""
    from cryptography.fernet import Fernet

    return Fernet(_cipher_key(key)).encrypt(person.to_json().encode())


def unseal(sealed: bytes, keys: tuple[PrivacyKey, ...]) -> Person:
    """Return whom a plan is about."""
    from cryptography.fernet import Fernet, InvalidToken, MultiFernet

    try:
        return Person.from_json(MultiFernet([Fernet(_cipher_key(key)) for key in keys]).decrypt(sealed).decode())
    except InvalidToken:
        raise WrongKey(f"This plan was made with a key that {VARIABLE} no longer has. Put it back.") from None


def signed(receipt: Mapping[str, Any], key: PrivacyKey) -> dict[str, Any]:
    """Return a receipt with its signature."""
    named = {**receipt, "key_id": key.id}
    return {**named, SIGNATURE: _signature(named, key)}


def is_genuine(receipt: Mapping[str, Any], keys: tuple[PrivacyKey, ...]) -> bool:
    """Whether a receipt is as it was signed; WrongKey where the key is not known."""
    content = {name: value for name, value in receipt.items() if name != SIGNATURE}
    for key in keys:
        if key.id == content.get("key_id"):
            return hmac.compare_digest(_signature(content, key), str(receipt.get(SIGNATURE)))
    raise WrongKey(f"This receipt was signed with a key that {VARIABLE} no longer has.")


def _signature(content: Mapping[str, Any], key: PrivacyKey) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return key.digest(f"receipt {canonical}")


def _cipher_key(key: PrivacyKey) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(b"seal " + key.secret).digest())
