"""What a column is about, by the words of its header and by its values: a name, a date, an address, …

Values win over headers for e-mail addresses and dates, which are sure by their shape. No data set is known here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median


class Role(StrEnum):
    """What the values of a column are; each role is compared in its own way."""

    NAME = "name"
    DATE = "date"
    EMAIL = "email"
    PHONE = "phone"
    ID = "id"
    CODE = "code"
    COMPANY = "company"
    PLACE = "place"
    ADDRESS = "address"
    NUMBER = "number"
    CATEGORY = "category"


# The first pattern that a header matches decides; headers are in lower case, their words joined by "_".
HEADERS: tuple[tuple[Role, str], ...] = (
    (Role.EMAIL, r"e_?mail"),
    (Role.PHONE, r"phone|mobile|telefon|^fax|^tel|_tel(_|$)"),
    (Role.DATE, r"dob|birth_?da|^born|geburtsd|date"),
    (Role.COMPANY, r"company|organi[sz]ation|employer|account_?name|firm|firma|business|website|domain|^url|web_?site"),
    (Role.CODE, r"post_?code|postal|^zip|_zip|plz|postleitzahl"),
    (Role.NUMBER, r"(street|house|building|flat|unit)_?n"),
    (Role.PLACE, r"city|town|suburb|place|county|region|locality|^ort$|village|parish"),
    (Role.ADDRESS, r"address|street|addr|strasse|road"),
    (Role.CATEGORY, r"gender|^sex$|state|country|land$|occupation|job|title|status|type|salutation|language|suffix"),
    (Role.NAME, r"name|forename|surname|^first$|^last$|^given$|^family$|vorname"),
    (Role.ID, r"(^|_)id$|ssn|soc_?sec|passport|licen[cs]e|tax|vat|number|_no$|(^|_)ref"),
)
RECORD_ID = (r"^(unique|rec|record|row)_?(id|no|number|key)?$|^id$|^key$|^uid$|^uuid$", r"(^|_)(id|key|uid|uuid)$|^rec")
ANSWER = r"^(true_?)?(cluster|label|truth|entity|duplicate_of|ground_?truth)(_?(id|no|number))?$"
BOOKKEEPING = r"(^|_)(created|updated|modified|inserted|imported|synced|timestamp|source|notes?|comments?)(_|$)"

YEAR = r"(?:1[5-9]|20)\d\d"
SEPARATED = re.compile(rf"{YEAR}[-/. ]\d{{1,2}}[-/. ]\d{{1,2}}([T ].*)?|\d{{1,2}}[-/. ]\d{{1,2}}[-/. ]{YEAR}([T ].*)?")
COMPACT = re.compile(rf"{YEAR}\d{{4}}|[0-3]\d[0-1]\d{YEAR}")
FREE_TEXT = 80  # characters; what is longer in the middle of a column is prose, which says little about who is who
LOOKED_AT = 5000  # values of a column that its role is read from


@dataclass(frozen=True)
class Roles:
    """The columns that are compared, with their roles; that which names the records; and the rest."""

    compared: dict[str, Role]
    record_id: str | None = None
    ignored: dict[str, str] = field(default_factory=dict)  # each with the reason


def detect(columns: Mapping[str, Sequence[str | None]], record_id: str | None = None) -> Roles:
    """Return the roles of the columns of a table, given as texts; `record_id` is no evidence of anything."""
    values = {name: [value for value in column if value] for name, column in columns.items() if name != record_id}
    rows = max((len(column) for column in columns.values()), default=0)
    roles, ignored = {}, {}
    for name, column in values.items():
        if reason := _reason_to_ignore(name, column, rows):
            ignored[name] = reason
        else:
            roles[name] = _role(name, _sample(column), rows)
    return Roles(roles, record_id, ignored)


def record_id_of(columns: Mapping[str, Sequence[str | None]]) -> str | None:
    """Return the column that names the records.

    Its values all differ, and it is called an id, or counts the rows.
    """
    rows = max((len(column) for column in columns.values()), default=0)
    unique = {
        name: [value for value in column if value]
        for name, column in columns.items()
        if rows and None not in column and len(set(column)) == rows and not is_answer(name)
    }
    for pattern in RECORD_ID:
        if named := next((name for name in unique if re.search(pattern, words(name))), None):
            return named
    return next((name for name, column in unique.items() if _counts_rows(column)), None)


def is_answer(header: str) -> bool:
    """Whether a column is called as what a matching is to come to; it is never looked at."""
    return re.search(ANSWER, words(header)) is not None


def words(header: str) -> str:
    """Return a header in lower case, its words joined by "_": `dateOfBirth` and `Date of birth` are one."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", header.strip())
    return re.sub(r"[^0-9a-z]+", "_", apart.lower()).strip("_")


def _counts_rows(column: Sequence[str]) -> bool:
    """Whether a column numbers the rows, from 0 or 1, in whatever order."""
    if not all(value.isdigit() and len(value) < 12 for value in column):
        return False
    numbers = {int(value) for value in column}
    return min(numbers) in (0, 1) and len(numbers) == len(column) == max(numbers) - min(numbers) + 1


def _reason_to_ignore(name: str, column: Sequence[str], rows: int) -> str | None:
    if not column:
        return "is empty"
    if is_answer(name):
        return "is called an answer"
    if re.search(BOOKKEEPING, words(name)):
        return "is about the record, not about whom it describes"
    if len(set(column)) == 1 and rows > 1:
        return "has one value only"
    if rows > 2 and len(column) == rows and _counts_rows(column):
        return "numbers the rows"
    if median(map(len, _sample(column))) > FREE_TEXT:
        return "is prose"
    return None


def _sample(column: Sequence[str]) -> Sequence[str]:
    step = max(1, len(column) // LOOKED_AT)
    return column[::step]


def _role(name: str, column: Sequence[str], rows: int) -> Role:
    header = next((role for role, pattern in HEADERS if re.search(pattern, words(name))), None)
    if _share("@" in value for value in column) > 0.8:
        return Role.EMAIL
    if _share(bool(SEPARATED.fullmatch(value)) for value in column) > 0.7:
        return Role.DATE
    if header in (None, Role.DATE, Role.ID) and _share(bool(COMPACT.fullmatch(value)) for value in column) > 0.7:
        return Role.DATE
    if header is not None:
        return header
    if _share(not any(letter.isalpha() for letter in value) for value in column) > 0.9:
        return Role.ID if median(map(len, column)) >= 6 else Role.NUMBER
    different = len(set(column))
    return Role.CATEGORY if different < 100 and different < rows / 20 else Role.PLACE


def _share(hits: Iterable[bool]) -> float:
    listed = list(hits)
    return sum(listed) / max(1, len(listed))
