"""What `gtm doctor` asks of a destination. Each package of a destination may have an `access.py` with `check_access`.

It sends nothing and changes nothing; an `ApiFailure` says that the destination cannot be used at all.
"""

from dataclasses import dataclass

from gtm_platform.accounts import AccountIdentity


@dataclass(frozen=True)
class DestinationAccess:
    """Whose account the key opens, and a sentence for each thing that it may not do."""

    account: AccountIdentity
    refusals: tuple[str, ...] = ()
