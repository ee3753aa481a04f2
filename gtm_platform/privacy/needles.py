"""What is looked for in rows, texts and files: the ways in which a person is written."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gtm_platform.ingest.addresses import GMAIL, KEEPING_TAGS, normal_address
from gtm_platform.ingest.person_rows import ERASED, is_opaque
from gtm_platform.privacy.person import SHORTEST_PHONE, Person

AT = r"(?:@|%40|&#64;|&#x40;|\\u0040)"
TAG = r"(?:\+[a-z0-9._+-]*)?"
BETWEEN_WORDS = r"(?:\s|\\u00a0|&nbsp;|%20|\+)+"
BETWEEN_DIGITS = r"[\s().\-/\xa0]*"
ADDRESS_BEFORE, ADDRESS_AFTER = r"(?<![a-z0-9._%+\-])", r"(?![a-z0-9\-])(?!\.[a-z0-9])"
WORD_BEFORE, WORD_AFTER = r"(?<!\w)", r"(?!\w)"


@dataclass(frozen=True)
class Needles:
    """A person, as rows and texts are compared with them."""

    person: Person

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What names them in a text."""
        return re.compile("|".join(self._alternatives()) or r"(?!)", re.IGNORECASE)

    def _alternatives(self) -> Iterable[str]:
        for address in sorted({each.lower() for each in self.person.addresses}, key=len, reverse=True):
            yield f"{ADDRESS_BEFORE}{_address(address)}{ADDRESS_AFTER}"
        for phone in self.person.phones:
            digits = BETWEEN_DIGITS.join(c for c in phone if c.isdigit())
            yield rf"(?<!\d)\+?{digits}(?!\d)"
        for name in self.person.names:
            yield WORD_BEFORE + BETWEEN_WORDS.join(map(re.escape, name.split())) + WORD_AFTER
        for handle in self.person.handles:
            yield WORD_BEFORE + re.escape(handle) + WORD_AFTER

    @cached_property
    def coarse(self) -> tuple[str, ...]:
        """Texts in lower case, of which every text that names them has one: engines look for these."""
        plain = {each.lower() for each in (*self.person.addresses, *self.person.handles)}
        locals_ = {normal.partition("@")[0] for each in self.person.addresses if (normal := normal_address(each))}
        locals_ |= {domain for each in self.person.addresses for domain in GMAIL if each.lower().endswith(domain)}
        words = {max(name.lower().split(), key=len) for name in self.person.names}
        digits = {"".join(c for c in phone if c.isdigit())[-4:] for phone in self.person.phones}
        return tuple(sorted(plain | locals_ | words | digits | set(self.ids)))

    @property
    def digits(self) -> tuple[str, ...]:
        """The last digits of their numbers, to be looked for among the digits of a text."""
        return tuple("".join(c for c in phone if c.isdigit())[-SHORTEST_PHONE:] for phone in self.person.phones)

    @cached_property
    def ids(self) -> frozenset[str]:
        """Ids that are theirs wherever they stand."""
        return frozenset({*self.person.customer_ids, *(id for _, id in self.person.records if is_opaque(id))})

    @cached_property
    def _whole(self) -> frozenset[str]:
        texts = (*self.person.addresses, *self.person.names, *self.person.phones, *self.person.handles)
        return frozenset(text.strip().lower() for text in texts)

    @cached_property
    def _records(self) -> frozenset[tuple[str, str]]:
        return frozenset(self.person.records)

    @cached_property
    def _by_source(self) -> frozenset[tuple[str, str]]:
        return frozenset((table.split("/")[0], id) for table, id in self.person.records)

    # --- as `ingest.person_rows` asks --------------------------------------------------------------------------------

    @property
    def is_teammate(self) -> bool:
        """Whether it is one of us."""
        return self.person.is_teammate

    def is_named(self, text: str) -> bool:
        """Whether a whole value is an address or another name of theirs."""
        whole = text.strip().lower()
        return whole in self._whole or ("@" in whole and normal_address(text) in self._whole)

    def cleaned(self, text: str) -> str:
        """Return a text without what names them."""
        return self.pattern.sub(ERASED, text)

    def is_record(self, table: str, id: str) -> bool:
        """Whether a record is theirs; of a table that ends with a slash whatever its source calls it."""
        if not table:
            return is_opaque(id) and any(id == own for _, own in self.person.records)
        return (table.rstrip("/"), id) in self._by_source if table.endswith("/") else (table, id) in self._records

    def is_customer(self, id: str) -> bool:
        """Whether a customer's id is theirs."""
        return id in self.person.customer_ids

    def cleaned_of_ids(self, text: str) -> str:
        """Return a text without what names them, and without their ids."""
        clean = self.cleaned(text)
        for id in sorted(self.ids, key=len, reverse=True):
            clean = clean.replace(id, ERASED)
        return clean

    # --- of texts and files ------------------------------------------------------------------------------------------

    def names(self, value: Any) -> bool:
        """Whether a text names them, or holds an id of theirs."""
        text = str(value)
        return bool(self.pattern.search(text)) or any(id in text for id in self.ids)

    @cached_property
    def bytes_pattern(self) -> re.Pattern[bytes]:
        """What names them in a file of any kind, in UTF-8 and as Windows and spreadsheets write."""
        texts = {text.strip() for text in (*self.person.addresses, *self.person.names, *self.person.phones)}
        texts |= {*self.person.handles, *self.person.customer_ids}
        texts |= {text.replace("@", "%40") for text in texts} | {text.replace("@", "\\u0040") for text in texts}
        spellings = {text.encode(codec, "ignore") for text in texts for codec in ("utf-8", "utf-16-le", "cp1252")}
        escaped = {re.escape(spelling) for spelling in spellings if len(spelling) >= 5}
        return re.compile(b"|".join(sorted(escaped)) or b"(?!)", re.IGNORECASE)


def _address(address: str) -> str:
    """One address, with what people put into it and mail systems ignore."""
    local, _, domain = address.partition("@")
    if domain in GMAIL:
        dots = r"\.?".join(map(re.escape, local.replace(".", "").partition("+")[0]))
        return f"{dots}{TAG}{AT}(?:{'|'.join(map(re.escape, GMAIL))})"
    tag = "" if domain in KEEPING_TAGS or "+" in local else TAG
    return f"{re.escape(local)}{tag}{AT}{re.escape(domain)}"
