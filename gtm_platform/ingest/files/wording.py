"""What is wrong with a row, and what came of a file, in words for people who work with spreadsheets."""

from typing import get_args

from gtm_platform.ingest.record import FACTS, Record

NO_DATE = "is not a date such as 2026-11-01"
KINDS = {
    "missing": "is missing",
    "string_too_short": "is missing",
    "string_type": "is missing",
    "literal_error": "is none of the words that are allowed",
    "no_domain": "is not a domain such as acme.com",
    "int_parsing": "is not a whole number",
    "int_from_float": "is not a whole number",
    "float_parsing": "is not a number",
    "decimal_parsing": "is not a number",
    "decimal_type": "is not a number",
    "amount_out_of_range": "is too large",
    "date_from_datetime_parsing": NO_DATE,
    "date_from_datetime_inexact": NO_DATE,
    "date_parsing": NO_DATE,
    "date_type": NO_DATE,
    "datetime_parsing": NO_DATE,
    "datetime_from_date_parsing": NO_DATE,
    "instant_out_of_range": "is a date before 1990 or after 2100",
    "string_pattern_mismatch": "is not written as it should be",
    "word_of_field": "is none of the words that its field can have",
    "number_of_field": "is not a number such as its field has",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
}


def in_words(reason: str, record: type[Record]) -> str:
    """Turn a validator's `field: kind; field: kind` into words, without what follows from another."""
    mistakes = [mistake.partition(": ") for mistake in reason.split("; ")]
    named = [(field.removeprefix(f"{FACTS}.").partition(".")[0], kind) for field, _, kind in mistakes]
    apart = [(name, kind) for name, kind in named if not name.endswith("_key")] or named
    return "; ".join(_mistake(record, name, kind) for name, kind in apart)


def _mistake(record: type[Record], name: str, kind: str) -> str:
    kind, _, more = kind.partition(" and ")
    words = KINDS.get(kind, kind.replace("_", " "))
    if kind == "literal_error" and (allowed := get_args(record.model_fields[name].annotation)):
        words = f"is none of {', '.join(map(str, allowed))}"
    return f"{name} {words}" + (f" and {more}" if more else "")
