"""Keys for the tests of encryption, and the environment that has them."""

import pytest

from gtm_platform.keyring import PACKAGES, new_key
from gtm_platform.settings import settings

K1, K2, OTHER_K1 = new_key("k1"), new_key("k2"), new_key("k1")


def require_packages() -> None:
    """Skip where the packages of the extra are not installed."""
    for package in PACKAGES:
        pytest.importorskip(package)


def use_keys(monkeypatch: pytest.MonkeyPatch, *entries: str) -> None:
    """Let the environment have these keys, the first of which encrypts."""
    if entries:
        monkeypatch.setenv("GTM_KEYS", ",".join(entries))
    else:
        monkeypatch.delenv("GTM_KEYS", raising=False)
    settings.cache_clear()
