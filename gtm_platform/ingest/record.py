"""Records of sources: field names of ours, paths into theirs. What does not fit is set apart, never lost.

A record as received is bytes. What other answers of the system say about it lies beside it as facts, under the reserved
member FACTS, where a record's fields find them; the bytes themselves stay as they came. A record
that is an array of values has the names of its columns beside it, too, which the system says once for all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import takewhile
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from gtm_platform.http.pages import Page, get_path_or_none, repair_json
from gtm_platform.http.redaction import excerpt

MICRO = Decimal("0.000001")
LARGEST_AMOUNT = Decimal(10) ** 18
LARGEST_EXACT = 2.0**53  # beyond it a number with a point or an exponent is read as one of its neighbours
REASONS_SHOWN = 3
LONGEST_NAME = 200
FACTS = "_gtm"
ROW = "_row"  # the member with the cells of a file's row, whose names are headings that people chose
MEMBER = f',"{FACTS}":'.encode()
SHORT = 64  # bytes, beyond which a record is not looked into for being empty
ENCODE = msgspec.json.Encoder().encode
VALUES = msgspec.json.Decoder(list[msgspec.Raw])


class Record(BaseModel):
    """What all records of sources are. Errors never show what was read, because it may be about a person."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        coerce_numbers_to_str=True,
        validate_by_name=True,
        validate_by_alias=True,
        allow_inf_nan=False,
        use_enum_values=True,
        hide_input_in_errors=True,
    )

    def is_gone(self) -> bool:
        """Whether the system says with this record that it was deleted."""
        return False


R = TypeVar("R", bound=Record)


def at(*path: str | int, personal: bool = False, about: str = "", default: Any = None) -> Any:
    """Say where a field lies; without a value there it is `default`, with `...` it is required."""
    return _field([path], personal, about, default)


def fact(name: str, *otherwise: str | int, personal: bool = False, about: str = "", default: Any = None) -> Any:
    """A field that is a fact from another answer of the system; where there is none, it lies `otherwise`."""
    return _field([(FACTS, name), *([otherwise] if otherwise else [])], personal, about, default)


def either(*paths: tuple[str | int, ...], personal: bool = False, about: str = "", default: Any = None) -> Any:
    """Where a field lies now, and where it lay in older versions of the system."""
    return _field(paths, personal, about, default)


def _field(paths: Sequence[tuple[str | int, ...]], personal: bool, about: str, default: Any) -> Any:
    aliases = [AliasPath(str(first), *deeper) if deeper else str(first) for first, *deeper in paths]
    alias = aliases[0] if len(aliases) == 1 else AliasChoices(*aliases)
    return Field(default, validation_alias=alias, description=about, json_schema_extra={"personal": personal})


def paths_read(record: type[Record]) -> frozenset[str]:
    """Return where the fields of a record lie, as `properties.name`.

    Of what lies in a list it is where the list lies.
    """
    aliases = [field.validation_alias for field in record.model_fields.values()]
    choices = [each for alias in aliases for each in (alias.choices if isinstance(alias, AliasChoices) else [alias])]
    paths = [list(each.path) if isinstance(each, AliasPath) else [each] for each in choices if each]
    return frozenset(".".join(str(step) for step in takewhile(_is_member, path)) for path in paths)


def _is_member(step: str | int) -> bool:
    return isinstance(step, str)


class RawRecord(bytes):
    """A record as received, with the facts beside it, or with the reason why it cannot be used.

    `columns` name its values where it is an array of them. `is_deleted` is for records that do not say themselves that
    they are gone.
    """

    facts: dict[str, Any] | None = None
    columns: Sequence[str] = ()
    unusable: str = ""
    is_deleted: bool = False

    @property
    def document(self) -> bytes:
        """The record with its facts as one more member; what is no object stays so, for its reader to refuse."""
        whole = _with_names(self, self.columns) if self.columns else self
        if not self.facts:
            return bytes(whole)
        text = whole if whole[-1:] == b"}" else whole.strip() or b"{}"
        if text[-1:] != b"}" or (text[:1] != b"{" and text.lstrip()[:1] != b"{"):
            return bytes(whole)
        members = text[:-1]
        separator = MEMBER if len(text) > SHORT or members.strip() != b"{" else MEMBER[1:]
        return b"".join((members, separator, ENCODE(self.facts), b"}"))


def with_facts(raw: bytes, **facts: Any) -> RawRecord:
    """Put facts from other answers beside a record; `raw` is empty where no answer has a record itself."""
    record = RawRecord(raw)
    if isinstance(raw, RawRecord):
        facts, record.columns, record.unusable = {**(raw.facts or {}), **facts}, raw.columns, raw.unusable
        record.is_deleted = raw.is_deleted
    record.facts = facts
    return record


def with_columns(raw: bytes, columns: Sequence[str]) -> RawRecord:
    """Put the names of its values beside a record that is an array of them."""
    record = RawRecord(raw)
    record.columns = columns
    return record


def unusable(raw: bytes, reason: str) -> RawRecord:
    """Mark a record for the quarantine, with a reason that its own fields do not show."""
    record = with_facts(raw)
    record.unusable = reason
    return record


def deleted(raw: bytes) -> RawRecord:
    """Mark a record as one that is gone."""
    record = with_facts(raw)
    record.is_deleted = True
    return record


def is_marked_deleted(raw: bytes) -> bool:
    """Whether a record was marked as gone."""
    return isinstance(raw, RawRecord) and raw.is_deleted


def _with_names(raw: bytes, columns: Sequence[str]) -> bytes:
    """The array as an object; an array of another length stays one, for its reader to refuse."""
    try:
        values = VALUES.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw
    return ENCODE(dict(zip(columns, values, strict=True))) if len(values) == len(columns) else raw


def instant_or_none(raw: bytes, *path: str) -> datetime | None:
    """Return an instant of a record of any shape; None also where it cannot be read."""
    text = get_path_or_none(raw, *path)
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and not moment.tzinfo else moment


def _document(raw: bytes) -> bytes:
    return raw.document if isinstance(raw, RawRecord) else raw


def _instant(moment: datetime) -> datetime:
    """In UTC; a time without zone is UTC. A year out of range is a mistaken unit (ms, µs) or a placeholder."""
    if not 1990 <= moment.year <= 2100:
        raise PydanticCustomError("instant_out_of_range", "The year is not between 1990 and 2100")
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _amount(amount: Decimal) -> Decimal:
    if abs(amount) >= LARGEST_AMOUNT:
        raise PydanticCustomError("amount_out_of_range", "The amount has more than 18 digits before the point")
    return amount.quantize(MICRO)


def _exact(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    if abs(value) >= LARGEST_EXACT:
        raise PydanticCustomError("number_not_exact", "The number is too large to be read exactly")
    return int(value) if value.is_integer() else value


def _blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


Exact = BeforeValidator(_exact)
Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), Exact]
Instant = Annotated[datetime, AfterValidator(_instant)]
Amount = Annotated[Decimal, AfterValidator(_amount), Exact]
Whole = Annotated[int, Field(ge=-(2**63), le=2**63 - 1), Exact]

# Some systems send "" where they mean nothing, and texts for everything. What is null, as most is, is not looked at.
Blank = BeforeValidator(_blank)
MaybeId = Annotated[Id | None, Blank] | None
MaybeText = Annotated[str | None, Blank] | None
MaybeInt = Annotated[Whole | None, Blank] | None
MaybeBool = Annotated[bool | None, Blank] | None
MaybeAmount = Annotated[Amount | None, Blank] | None
MaybeInstant = Annotated[Instant | None, Blank] | None


@dataclass(frozen=True)
class Rejected:
    """A record that does not fit, and why."""

    raw: bytes
    reason: str
    record_id: str | None
    key: tuple[str, ...] | None = None  # where each part of it could be read


class Reader(Generic[R]):
    """Pages of raw records, read as one class: whole, and one by one only where that fails."""

    def __init__(self, record: type[R], key: Sequence[str] = ("id",)) -> None:
        self._one, self._all = TypeAdapter(record), TypeAdapter(list[record])  # type: ignore[valid-type]
        self._id, self._key = _path(record, "id"), [_path(record, name) for name in key]

    def read(self, page: Page) -> tuple[list[R], Page, list[Rejected]]:
        """Return the records that fit, their raws in the same order, and the others with the reason."""
        if any(isinstance(raw, RawRecord) and raw.unusable for raw in page):
            return self._one_by_one(page)
        try:
            good = self._all.validate_json(b"[" + b",".join(map(_document, page)) + b"]", by_name=False, by_alias=True)
        except ValidationError:
            return self._one_by_one(page)
        # Raws that are not one JSON value each can still make up a list together.
        return (good, page, []) if len(good) == len(page) else self._one_by_one(page)

    def _one_by_one(self, page: Page) -> tuple[list[R], Page, list[Rejected]]:
        good: list[R] = []
        raws: Page = []
        rejected: list[Rejected] = []
        for raw in page:
            read = self._read(raw)
            if isinstance(read, Rejected):
                rejected.append(read)
            else:
                good.append(read[0])
                raws.append(read[1])
        return good, raws, rejected

    def _read(self, raw: bytes) -> tuple[R, bytes] | Rejected:
        document = _document(raw)
        if isinstance(raw, RawRecord) and raw.unusable:
            return self._rejected(raw, document, excerpt(raw.unusable))
        try:
            return self._validated(document), raw
        except ValidationError as error:
            repaired, reason = repair_json(document), _reason(error)
        if repaired != document:
            try:
                return self._validated(repaired), repair_json(raw) if raw else raw
            except ValidationError as error:
                reason = _reason(error)
        return self._rejected(raw, repaired, reason)

    def _rejected(self, raw: bytes, document: bytes, reason: str) -> Rejected:
        key = [part for path in self._key if (part := _key_part(document, path))]
        id_ = _key_part(document, self._id)
        return Rejected(bytes(raw) or document, reason, id_, tuple(key) if len(key) == len(self._key) else None)

    def _validated(self, document: bytes) -> R:
        return self._one.validate_json(document, by_name=False, by_alias=True)


def _path(record: type[Record], name: str) -> list[str]:
    """Where a field lies in the source's record; of several places the first."""
    field = record.model_fields.get(name)
    alias = field.validation_alias if field else None
    alias = alias.choices[0] if isinstance(alias, AliasChoices) else alias
    return list(map(str, alias.path)) if isinstance(alias, AliasPath) else [alias if isinstance(alias, str) else name]


def _key_part(raw: bytes, path: Sequence[str]) -> str | None:
    """A part of a record's key, even where the record is not what it should be."""
    part = get_path_or_none(raw, *path)
    return str(part).strip()[:LONGEST_NAME] or None if isinstance(part, str | int) and part is not True else None


def _reason(error: ValidationError) -> str:
    """Where and what kind of mistake; never what was read."""
    mistakes = error.errors(include_url=False, include_context=False, include_input=False)
    reasons = [f"{'.'.join(map(str, mistake['loc'])) or 'record'}: {mistake['type']}" for mistake in mistakes]
    more = f" and {len(reasons) - REASONS_SHOWN} more" if len(reasons) > REASONS_SHOWN else ""
    return excerpt("; ".join(reasons[:REASONS_SHOWN])) + more
