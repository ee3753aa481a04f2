"""E-mail addresses: how the world tells them apart, and the ways in which people spell the same one."""

from random import Random

from gtm_platform.sandbox.world.names import SHARED_INBOXES

_ASCII = str.maketrans({"ç": "c", "é": "e", "ø": "oe", "ë": "e", "ü": "ue", "ö": "oe", "á": "a", "ñ": "n"})
_GOOGLE = ("gmail.com", "googlemail.com")
_WITHOUT_TAGS = ("yahoo.com", "gmx.de")


def plain(word: str) -> str:
    """A name as it stands in an address."""
    return word.lower().translate(_ASCII)


def keeps_tags(domain: str) -> bool:
    """Whether what stands after a plus is part of the name at a mail provider."""
    return domain in _WITHOUT_TAGS


def normalised(email: str) -> str:
    """An address by which the world tells people apart: lower case, no tag, no dots at Google."""
    local, _, domain = email.strip().lower().partition("@")
    if not keeps_tags(domain):
        local = local.partition("+")[0]
    if domain in _GOOGLE:
        return f"{local.replace('.', '')}@gmail.com"
    return f"{local}@{domain}"


def is_shared(email: str) -> bool:
    """Whether the address is an inbox of several people, such as billing@."""
    return normalised(email).partition("@")[0] in SHARED_INBOXES


def respelled(rng: Random, email: str, tag: str) -> str:
    """The same address as another system, or another day, has it."""
    local, _, domain = email.partition("@")
    roll = rng.random()
    if roll < 0.66:
        return email
    if roll < 0.78:
        return f"{local.title()}@{domain}"
    if roll < 0.82:
        return email.upper()
    if roll < 0.86:
        return f" {email} "
    if domain in _GOOGLE:
        return f"{local.replace('.', '')}@{rng.choice(_GOOGLE)}"
    return f"{local.title()}@{domain}" if keeps_tags(domain) else f"{local}+{tag}@{domain}"
