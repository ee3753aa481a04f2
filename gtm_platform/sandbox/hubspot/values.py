"""Property values on the wire: what a write may hold, how it is stored, and how two values compare."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from gtm_platform.sandbox.hubspot.errors import RefusedError, bad_values
from gtm_platform.sandbox.hubspot.standard import Definition
from gtm_platform.sandbox.kit.render import EPOCH, MILLISECOND, unix_milliseconds
from gtm_platform.sandbox.kit.render import iso_milliseconds as iso

MOST_CHARACTERS = 65_536  # of a text
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def check_values(
    definitions: dict[str, Definition], written: dict[str, Any], current: dict[str, str]
) -> dict[str, str]:
    """The values of a write as they will be stored; all errors of it are raised together.

    A cleared value is "". A null is no value: HubSpot clears with the empty string.
    """
    values: dict[str, str] = {}
    problems: list[dict[str, str]] = []
    for name, value in written.items():
        try:
            if value is not None:
                values[name] = _checked_value(definitions.get(name), name, _text(value), current.get(name, ""))
        except _InvalidValueError as problem:
            problems.append({"message": problem.message, "error": problem.code, "name": name})
    if problems:
        raise bad_values(problems)
    return values


class _InvalidValueError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)):
        raise RefusedError(400, "Invalid input JSON: property values must be strings.")
    return str(value)


def _checked_value(definition: Definition | None, name: str, text: str, current: str) -> str:
    if definition is None or definition.get("archived"):
        raise _InvalidValueError("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    if definition.get("modificationMetadata", {}).get("readOnlyValue"):
        raise _InvalidValueError("READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
    if text == "":
        return ""
    match definition["type"]:
        case "number":
            return _number(text)
        case "bool" | "enumeration":
            return _option(definition, text, current)
        case "date":
            return _midnight(text).date().isoformat()
        case "datetime":
            return iso(_instant(text))
    if len(text) > MOST_CHARACTERS:
        message = f"{name} was too long: {len(text)} characters, at most {MOST_CHARACTERS} are allowed."
        raise _InvalidValueError("INVALID_LENGTH", message)
    return _email(text) if name == "email" else text


def _number(text: str) -> str:
    try:
        if Decimal(text).is_finite():
            return text.strip()
    except InvalidOperation:
        pass
    raise _InvalidValueError("INVALID_FLOAT", f"{text} was not a valid number.")


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text.strip()):
        raise _InvalidValueError("INVALID_EMAIL", f"Email address {text} is invalid")
    return text.strip().lower()


def _option(definition: Definition, text: str, current: str) -> str:
    allowed = [option["value"] for option in definition.get("options", [])]
    if definition["type"] == "bool":
        allowed = ["true", "false"]
    if definition["fieldType"] != "checkbox":
        chosen = [text]
    else:
        earlier = current.split(";") if text.startswith(";") else []
        chosen = [value for value in (*earlier, *text.split(";")) if value]
    if definition.get("externalOptions") or (definition.get("hubspotDefined") and not allowed):
        return ";".join(dict.fromkeys(chosen))
    for value in chosen:
        if value not in allowed:
            message = f"{value} was not one of the allowed options: [{', '.join(allowed)}]"
            raise _InvalidValueError("INVALID_OPTION", message)
    return ";".join(value for value in allowed if value in chosen)


def _midnight(text: str) -> datetime:
    instant = _instant(text)
    if instant.timetz() != EPOCH.timetz():
        raise _InvalidValueError("INVALID_DATE", f"{text} is at {instant:%H:%M:%S} UTC, not midnight!")
    return instant


def _instant(text: str) -> datetime:
    instant = parsed_instant(text)
    if instant is None:
        raise _InvalidValueError("INVALID_DATE", f"{text} was not a valid date.")
    return instant


def parsed_instant(text: str) -> datetime | None:
    """An instant in ISO 8601 or in milliseconds since 1970."""
    try:
        if re.fullmatch(r"-?\d{5,}", text):
            return EPOCH + int(text) * MILLISECOND
        instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def comparable(value_type: str, text: str) -> float | str | None:
    """A value in a form that compares with others of its type as in HubSpot; None if it cannot."""
    if value_type == "number":
        try:
            return float(text)
        except ValueError:
            return None
    if value_type in {"date", "datetime"}:
        instant = parsed_instant(text)
        return None if instant is None else unix_milliseconds(instant)
    return text.lower()
