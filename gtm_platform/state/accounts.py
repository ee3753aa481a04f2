"""Which account of each system this state belongs to: pinned once, and until a person lets go of it the only one.

What an account's identity is, and what is refused because of it, stands in `gtm_platform.accounts`.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from gtm_platform.state.schema import accounts


@dataclass(frozen=True)
class PinnedAccount:
    """The account of a system that this state belongs to."""

    system: str
    account_id: str
    label: str  # as people recognise it
    pinned_at: datetime


def pinned_account(tx: sa.Connection, system: str) -> PinnedAccount | None:
    """Return the account that is pinned for the system; None where it was never used."""
    return next((account for account in pinned_accounts(tx) if account.system == system), None)


def pinned_accounts(tx: sa.Connection) -> list[PinnedAccount]:
    """Return every pinned account, by system."""
    rows = tx.execute(sa.select(accounts).order_by(accounts.c.system))
    return [PinnedAccount(row.system, row.account_id, row.label, row.pinned_at) for row in rows]


def pin_account(tx: sa.Connection, account: PinnedAccount) -> PinnedAccount:
    """Pin the account where the system has none yet; return the one that is pinned then."""
    if pinned := pinned_account(tx, account.system):
        return pinned
    try:
        with tx.begin_nested():
            row = {
                "system": account.system,
                "account_id": account.account_id,
                "label": account.label,
                "pinned_at": account.pinned_at,
            }
            tx.execute(sa.insert(accounts), row)
    except IntegrityError:  # another process was faster
        return pinned_account(tx, account.system) or account
    return account


def forget_account(tx: sa.Connection, system: str) -> PinnedAccount | None:
    """Let go of the system's account, so that the next one used is pinned; return the one forgotten."""
    pinned = pinned_account(tx, system)
    tx.execute(sa.delete(accounts).where(accounts.c.system == system))
    return pinned
