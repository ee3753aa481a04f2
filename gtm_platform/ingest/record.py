"""Records of sources: field names of ours, paths into theirs. What does not fit is set aside, never lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
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
REASONS_TOLD = 3
LONGEST_NAME = 200


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
    """Where a field lies in the source's record. Without a value there it is `default`; with `...` it is required."""
    key, *deeper = path
    alias = AliasPath(str(key), *deeper) if deeper else str(key)
    return Field(default, validation_alias=alias, description=about, json_schema_extra={"personal": personal})


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
    raw: bytes
    reason: str
    record_id: str | None
    key: tuple[str, ...] | None = None  # where each part of it could be read


class Reader(Generic[R]):
    def __init__(self, record: type[R], key: Sequence[str] = ("id",)) -> None:
        self._one, self._all = TypeAdapter(record), TypeAdapter(list[record])  # type: ignore[valid-type]
        self._id, self._key = _path(record, "id"), [_path(record, name) for name in key]

    def read(self, page: Page) -> tuple[list[R], Page, list[Rejected]]:
        """The records that fit, their raws in the same order, and the others with the reason."""
        try:
            good = self._all.validate_json(b"[" + b",".join(page) + b"]", by_name=False, by_alias=True)
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
        try:
            return self._validated(raw), raw
        except ValidationError as error:
            better, reason = repair_json(raw), _reason(error)
        if better != raw:
            try:
                return self._validated(better), better
            except ValidationError as error:
                reason = _reason(error)
        key = [named for path in self._key if (named := _named(better, path))]
        return Rejected(raw, reason, _named(better, self._id), tuple(key) if len(key) == len(self._key) else None)

    def _validated(self, raw: bytes) -> R:
        return self._one.validate_json(raw, by_name=False, by_alias=True)


def _path(record: type[Record], name: str) -> list[str]:
    """Where a field lies in the source's record."""
    field = record.model_fields.get(name)
    alias = field.validation_alias if field else None
    return list(map(str, alias.path)) if isinstance(alias, AliasPath) else [alias if isinstance(alias, str) else name]


def _named(raw: bytes, path: Sequence[str]) -> str | None:
    """A part of a record's key, even where the record is not what it should be."""
    found = get_path_or_none(raw, *path)
    return str(found).strip()[:LONGEST_NAME] or None if isinstance(found, str | int) and found is not True else None


def _reason(error: ValidationError) -> str:
    """Where and what kind of mistake; never what was read."""
    mistakes = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{'.'.join(map(str, mistake['loc'])) or 'record'}: {mistake['type']}" for mistake in mistakes]
    more = f" and {len(told) - REASONS_TOLD} more" if len(told) > REASONS_TOLD else ""
    return excerpt("; ".join(told[:REASONS_TOLD])) + more
