"""Subscriptions to changes: to whom what is sent, since when, and whether it arrives."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gtm_platform.state.schema import trigger_subscriptions as table

ACTIVE, PAUSED, OFF, REMOVED = "active", "paused", "off", "removed"


class NoSuchSubscription(LookupError):
    """No subscription has this id."""


@dataclass(frozen=True)
class SecretVersion:
    """A secret by its number; `until` is when it signs no more, None for the newest."""

    number: int
    fingerprint: str
    until: datetime | None = None

    def signs(self, now: datetime) -> bool:
        """Whether messages are signed with it."""
        return self.until is None or now < self.until


@dataclass(frozen=True)
class Subscription:
    """Who asked for which changes of whom."""

    id: str
    address: str
    kinds: tuple[str, ...]
    filters: Mapping[str, tuple[str, ...]]
    personal: bool
    whole: bool
    secrets: tuple[SecretVersion, ...]
    created_at: datetime
    created_by: str
    status_at: datetime
    status: str = ACTIVE
    reason: str = ""
    begun_at: datetime | None = None
    failing_since: datetime | None = None
    delivered_at: datetime | None = None


def add(tx: sa.Connection, subscription: Subscription) -> None:
    """Keep a new subscription."""
    tx.execute(sa.insert(table), _row(subscription))


def all_subscriptions(tx: sa.Connection, statuses: Collection[str] = ()) -> list[Subscription]:
    """Return the subscriptions of some statuses or of all, the oldest first."""
    query = sa.select(table).order_by(table.c.created_at, table.c.id)
    if statuses:
        query = query.where(table.c.status.in_(list(statuses)))
    return [_subscription(row) for row in tx.execute(query).mappings()]


def subscription_of(tx: sa.Connection, id: str) -> Subscription:
    """Return the subscription with an id."""
    row = tx.execute(sa.select(table).where(table.c.id == id)).mappings().one_or_none()
    if row is None:
        raise NoSuchSubscription(f"There is no subscription {id!r}; `gtm trigger list` lists them.")
    return _subscription(row)


def change_status(tx: sa.Connection, id: str, status: str, reason: str, at: datetime) -> None:
    """Let it be active, paused, off or removed from now on; it does not count as failing any more."""
    _change(tx, id, status=status, reason=reason, status_at=at, failing_since=None)


def begin(tx: sa.Connection, id: str, at: datetime) -> None:
    """Note that what it was last sent is known from now on."""
    _change(tx, id, begun_at=at)


def keep_secrets(tx: sa.Connection, id: str, secrets: Collection[SecretVersion]) -> None:
    """Keep which secrets it has."""
    _change(tx, id, secrets=[_secret_row(each) for each in secrets])


def delivered(tx: sa.Connection, id: str, at: datetime) -> None:
    """Note that its receiver took a message."""
    _change(tx, id, delivered_at=at, failing_since=None)


def failing(tx: sa.Connection, id: str, at: datetime) -> datetime:
    """Note that its receiver did not take a message; return since when none was taken."""
    since = sa.func.coalesce(table.c.failing_since, sa.bindparam("now", at, type_=table.c.failing_since.type))
    tx.execute(sa.update(table).where(table.c.id == id).values(failing_since=since))
    failing_since = subscription_of(tx, id).failing_since
    assert failing_since is not None
    return failing_since


def _change(tx: sa.Connection, id: str, **changes: Any) -> None:
    if not tx.execute(sa.update(table).where(table.c.id == id).values(changes)).rowcount:
        raise NoSuchSubscription(f"There is no subscription {id!r}; `gtm trigger list` lists them.")


def _row(subscription: Subscription) -> dict[str, Any]:
    return {
        **asdict(subscription),
        "kinds": list(subscription.kinds),
        "filters": {name: list(values) for name, values in subscription.filters.items()},
        "secrets": [_secret_row(each) for each in subscription.secrets],
    }


def _subscription(row: sa.RowMapping) -> Subscription:
    plain = Subscription(**{each.name: row[each.name] for each in fields(Subscription)})
    return replace(
        plain,
        kinds=tuple(plain.kinds),
        filters={name: tuple(values) for name, values in plain.filters.items()},
        secrets=tuple(_secret(each) for each in row["secrets"]),
    )


def _secret_row(secret: SecretVersion) -> dict[str, Any]:
    return {**asdict(secret), "until": secret.until.isoformat() if secret.until else None}


def _secret(row: Mapping[str, Any]) -> SecretVersion:
    until = row["until"]
    return SecretVersion(row["number"], row["fingerprint"], datetime.fromisoformat(until) if until else None)
