"""Erased people stay erased: what a system sends of them again is recognised by keyed hashes, and does not land.

Of whom it was nothing is kept but these hashes; without the key nobody can tell whose they are.
"""

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from gtm_platform.http.pages import Page
from gtm_platform.ingest.addresses import normal_address
from gtm_platform.ingest.person_rows import ERASED, Shape, Verdict, is_opaque, judge
from gtm_platform.ingest.record import Record, Rejected
from gtm_platform.lake.contracts import TABLES
from gtm_platform.settings import SettingsError, settings, words
from gtm_platform.state import open_state
from gtm_platform.state.erasures import suppressed

SHORTEST_KEY = 32  # characters
ADDRESS = re.compile(r"[^\s\"'<>(),;:\\\[\]]+@[^\s\"'<>(),;:\\\[\]@]+\.[^\s\"'<>(),;:\\\[\]@.]+")
VARIABLE = "GTM_PRIVACY_KEY"


@dataclass(frozen=True)
class PrivacyKey:
    """A key of hashes and signatures."""

    secret: bytes

    @property
    def id(self) -> str:
        """What tells the key from others; nobody comes from it to the key."""
        return self.digest("key")[:12]

    def digest(self, text: str) -> str:
        """Return the keyed hash of a text."""
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()


def privacy_keys() -> tuple[PrivacyKey, ...]:
    """Return the keys of the environment, that of new hashes first; SettingsError where one is too short."""
    value = settings().gtm_privacy_key
    keys = tuple(PrivacyKey(word.encode()) for word in words(value.get_secret_value() if value else ""))
    if any(len(key.secret) < SHORTEST_KEY for key in keys):
        raise SettingsError(f"{VARIABLE} is too short to be a key. `gtm erase --new-key` makes one.")
    return keys


def of_address(address: str) -> str:
    """Return what is hashed of a normalised address."""
    return f"address {address}"


def of_record(table: str, id: str) -> str:
    """Return what is hashed of a record; without a table, of an id that is nobody else's."""
    return f"record {table} {id}"


@dataclass(frozen=True)
class Suppressed:
    """Whom the home has erased, by keyed hashes."""

    digests: Mapping[str, Collection[str]]  # by the id of their key
    keys: tuple[PrivacyKey, ...]
    records: Mapping[str, int] = field(default_factory=dict)  # how many there were of a table

    @property
    def is_teammate(self) -> bool:
        """Of hashes nobody knows it; who was one of us is treated as everybody else is."""
        return False

    def is_named(self, text: str) -> bool:
        """Whether a text is an address of an erased person."""
        address = normal_address(text) if "@" in text else None
        return address is not None and self._has(of_address(address))

    def cleaned(self, text: str) -> str:
        """Return a text without addresses of erased people."""
        if "@" not in text:
            return text
        return ADDRESS.sub(lambda match: ERASED if self.is_named(match.group()) else match.group(), text)

    def is_record(self, table: str, id: str) -> bool:
        """Whether a record is that of an erased person."""
        return self._has(of_record(table, id))

    def is_customer(self, id: str) -> bool:  # noqa: ARG002
        """No system sends a customer's id of ours back with a person."""
        return False

    def _has(self, text: str) -> bool:
        return self._is_suppressed(text)

    @cached_property
    def _is_suppressed(self) -> Callable[[str], bool]:
        usable = [(key, self.digests[key.id]) for key in self.keys if key.id in self.digests]

        @lru_cache(maxsize=1 << 16)  # the same addresses and ids come again and again
        def is_suppressed(text: str) -> bool:
            return any(key.digest(text) in digests for key, digests in usable)

        return is_suppressed


def suppressed_of_home() -> Suppressed | None:
    """Return whom this home has erased; SettingsError where a key of theirs is missing."""
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        rows = suppressed(tx)
    if not rows:
        return None
    digests: dict[str, set[str]] = {}
    for row in rows:
        digests.setdefault(row.key_id, set()).add(row.digest)
    keys = privacy_keys()
    if missing := digests.keys() - {key.id for key in keys}:
        raise SettingsError(
            f"People were erased here whom nobody would recognise, as {VARIABLE} lacks the key of "
            f"{', '.join(sorted(missing))}: nothing is read before it is put back, behind a comma after the new one."
        )
    return Suppressed(digests, keys, Counter(row.scope for row in rows))


def erased_records(table: str) -> int:
    """Count the records that a system may still have of a table, and that do not land."""
    suppressed = suppressed_of_home()
    return suppressed.records.get(table, 0) if suppressed else 0


@dataclass
class LandingFilter:
    """What lands of the records of one table; it counts what does not."""

    table: str
    suppressed: Suppressed | None
    dropped: int = 0
    redacted: int = 0

    @cached_property
    def _shape(self) -> Shape:
        contract = TABLES[self.table]
        return Shape.of(self.table, list(contract.columns), contract)

    def keep(
        self, good: Sequence[Record], raws: Page, bad: Sequence[Rejected]
    ) -> tuple[Sequence[Record], Page, Sequence[Rejected]]:
        """Return a page without erased people: without their records, and others' without their names."""
        if self.suppressed is None:
            return good, raws, bad
        kept: list[Record] = []
        kept_raws: Page = []
        for record, raw in zip(good, raws, strict=True):
            verdict = self._judge(record, raw)
            if verdict.goes:
                self.dropped += 1
                continue
            self.redacted += bool(verdict.changes)
            kept.append(_changed(record, verdict.changes) if verdict.changes else record)
            kept_raws.append(b"" if verdict.changes else raw)
        rest = [rejected for rejected in bad if not self._is_theirs(rejected)]
        self.dropped += len(bad) - len(rest)
        return kept, kept_raws, rest

    def _judge(self, record: Record, raw: bytes) -> Verdict:
        assert self.suppressed is not None
        row = vars(record)
        verdict = judge(self._shape, row, self.suppressed)
        if not verdict.is_named and b"@" in raw and self._names_them(raw):
            return Verdict(changes={"payload": None})  # in a part of it that no column holds
        return verdict

    def _names_them(self, raw: bytes) -> bool:
        assert self.suppressed is not None
        text = raw.decode("utf-8", "replace").replace("\\u0040", "@")
        return any(self.suppressed.is_named(address) for address in ADDRESS.findall(text))

    def _is_theirs(self, bad: Rejected) -> bool:
        assert self.suppressed is not None
        id = bad.record_id or ""
        by_id = self.suppressed.is_record(self.table, id) or (is_opaque(id) and self.suppressed.is_record("", id))
        return by_id or self._names_them(bad.raw)


def _changed(record: Record, changes: Mapping[str, Any]) -> Record:
    return record.model_copy(
        update={name: value for name, value in changes.items() if name in type(record).model_fields}
    )
