"""A home belongs to its accounts: the first account of a system that it is used with, and no other one.

Whoever opens a client by the environment calls `require_own_account` before anything is read into the lake or written
outside. The pins lie in the state (`state.accounts`); how a system names its account is a client's own matter.
"""

from contextlib import closing
from dataclasses import dataclass

from gtm_platform.http.errors import Permanent
from gtm_platform.settings import Settings, settings
from gtm_platform.state import audit, open_state
from gtm_platform.state.accounts import (
    PinnedAccount,
    forget_account,
    pin_account,
    pinned_account,
    pinned_accounts,
)


@dataclass(frozen=True)
class AccountIdentity:
    """The account that a key opens. Two keys of one account have one identity."""

    system: str  # the name of the source or destination, in lower case
    account_id: str  # the system's own id; with the mode, where test and live data lie apart
    label: str  # as people recognise it, with the system's name


class OtherAccount(Permanent):
    """The key opens another account than the one that this home belongs to."""


def require_own_account(identity: AccountIdentity) -> None:
    """Pin the account at its first use; raise `OtherAccount` where the home belongs to another one."""
    config = settings()
    account = PinnedAccount(identity.system, identity.account_id, identity.label, config.now())
    with closing(open_state(config.state_url)) as state:
        with state.reading() as tx:
            pinned = pinned_account(tx, identity.system)
        if pinned is None:
            with state.writing() as tx:
                pinned = pin_account(tx, account)
    if pinned.account_id != identity.account_id:
        raise _other_account(identity, pinned, config)


def refuse_other_account(identity: AccountIdentity) -> None:
    """Raise `OtherAccount` where the home belongs to another account, without pinning any."""
    describe_account(identity)


def describe_account(identity: AccountIdentity) -> str:
    """Say whose account a key opens and whether it is this home's, for `gtm doctor`; nothing is pinned."""
    config = settings()
    with closing(open_state(config.state_url)) as state, state.reading() as tx:
        pinned = pinned_account(tx, identity.system)
    if pinned is None:
        return f"{identity.label}, to which this home will belong once it is used"
    if pinned.account_id != identity.account_id:
        raise _other_account(identity, pinned, config)
    return f"{identity.label}, to which this home belongs"


def accounts_of_home() -> list[PinnedAccount]:
    """List the accounts that this home belongs to."""
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        return pinned_accounts(tx)


def forget_account_of_home(system: str) -> PinnedAccount | None:
    """Let the home take whichever account of the system is used next; the audit trail keeps who it was."""
    config = settings()
    with closing(open_state(config.state_url)) as state, state.writing() as tx:
        forgotten = forget_account(tx, system)
        if forgotten:
            detail = {"account_id": forgotten.account_id, "label": forgotten.label}
            audit.note(tx, config.now(), "person", "account.forget", system, detail)
    return forgotten


def _other_account(identity: AccountIdentity, pinned: PinnedAccount, config: Settings) -> OtherAccount:
    return OtherAccount(
        identity.system,
        f"The home {config.home} belongs to {pinned.label} (since {pinned.pinned_at:%Y-%m-%d}), but the key in the "
        f"environment opens {identity.label}. Nothing was read or written. Give the other account a home of its own "
        f"(--home or GTM_HOME); to hand this home over to it all the same: gtm accounts forget {identity.system}",
    )
