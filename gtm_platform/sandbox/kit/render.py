"""Instants and amounts as the systems write them. Every instant in a store is aware, every amount a Decimal or, in
minor units, an int.
"""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, overload

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
WITHOUT_MINOR_UNIT = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split()  # noqa: SIM905
)


def iso_milliseconds(instant: datetime) -> str:
    """`2026-03-02T10:11:12.345Z`."""
    return _iso(instant, "milliseconds")


def iso_seconds(instant: datetime) -> str:
    """`2026-03-02T10:11:12Z`."""
    return _iso(instant, "seconds")


@overload
def unix_seconds(instant: datetime) -> int: ...
@overload
def unix_seconds(instant: None) -> None: ...
def unix_seconds(instant: datetime | None) -> int | None:
    """Whole seconds since 1970; no instant stays none."""
    return None if instant is None else (instant - EPOCH) // timedelta(seconds=1)


def unix_milliseconds(instant: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (instant - EPOCH) // MILLISECOND


def minor_units(amount: Decimal, currency: str) -> int:
    """An amount in cents, or in whole units where the currency has no smaller one."""
    return int(amount * (1 if currency.lower() in WITHOUT_MINOR_UNIT else 100))


def decimal_text(amount: Decimal, places: int = 2) -> str:
    """`1250.50`: an amount as text with a fixed number of decimal places."""
    return f"{amount:.{places}f}"


def as_json(record: Any) -> dict[str, Any]:
    """A record of a store as JSON for people, its instants in ISO 8601."""
    values = asdict(record)
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _iso(instant: datetime, timespec: str) -> str:
    return instant.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
