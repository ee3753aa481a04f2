"""Types of cells as people and their spreadsheets fill them in: dates, lists, ranges, addresses of companies."""

import re
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator

from gtm_platform.ingest.record import Amount, Blank

DATES = ("%d %b %Y", "%d %B %Y", "%b %d, %Y")  # besides 2026-11-01: no form in which days and months can be confused
SEPARATORS = re.compile(r"[;|\n]")
HOST = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")
NUMBER = re.compile(r"\d[\d,. ]*")
THOUSANDS = re.compile(r"[,. ](?=\d{3}\b)")


def _day(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if re.match(r"\d{4}-\d{2}-\d{2}[T ]", text):
        return text[:10]
    for form in DATES:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    return text or None


def _list(value: Any) -> Any:
    if value is None:
        return []
    return [part for each in SEPARATORS.split(value) if (part := each.strip())] if isinstance(value, str) else value


def _word(value: Any) -> Any:
    return re.sub(r"[\s-]+", "_", value.strip().lower()) or None if isinstance(value, str) else value


def _amount(value: Any) -> Any:
    return value.strip().lstrip("$€£").strip() or None if isinstance(value, str) else value


Day = Annotated[date, BeforeValidator(_day)]
MaybeDay = Annotated[date | None, BeforeValidator(_day)] | None
Words = Annotated[list[str], BeforeValidator(_list)]
Word = BeforeValidator(_word)  # one of some words, however it is written: In progress is in_progress
MaybeMoney = Annotated[Amount | None, Blank, BeforeValidator(_amount)] | None


def host_of(value: str | None) -> str | None:
    """Return the bare host of an address of a website, however it is written; None where it is none."""
    if not value:
        return None
    text = value.strip().lower()
    host = urlsplit(text if "://" in text else f"//{text}").hostname or ""
    host = host.removeprefix("www.").rstrip(".")
    return host if HOST.fullmatch(host) else None


def path_steps(url: str | None) -> tuple[str, ...]:
    """Return the steps of an address's path, decoded and in lower case."""
    if not url:
        return ()
    text = url.strip()
    parts = urlsplit(text if "://" in text else f"//{text}")
    return tuple(unquote(step).lower() for step in parts.path.split("/") if step)


def employee_range(value: str | None) -> tuple[int | None, int | None]:
    """Return least and most of `240`, `51-200`, `1,001-5,000` or `10,001+` employees; None where open."""
    numbers = [int(digits) for each in NUMBER.findall(value or "") if (digits := re.sub(r"\D", "", each))]
    if not numbers or numbers[0] > 10_000_000:
        return None, None
    if len(numbers) > 1:
        return numbers[0], numbers[1]
    return numbers[0], None if "+" in (value or "") else numbers[0]
