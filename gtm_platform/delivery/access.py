"""How a destination may be used: the share of its rate limits, and what `gtm doctor` asks of it.

Each package of a destination may have an `access.py` with `check_access`. It sends nothing and changes nothing; an
`ApiFailure` says that the destination cannot be used at all.
"""

from dataclasses import dataclass

from gtm_platform.accounts import AccountIdentity
from gtm_platform.http.rate_limit import LimitShare
from gtm_platform.policy import policy


@dataclass(frozen=True)
class DestinationAccess:
    """Whose account the key opens, and a sentence for each thing that it may not do."""

    account: AccountIdentity
    refusals: tuple[str, ...] = ()
    limits: str = ""  # how much of its rate limits is used
    notes: tuple[str, ...] = ()  # what works otherwise than one might expect, though it works


def limit_share(system: str) -> LimitShare:
    """Return how much of a system's rate limits the policy lets us use."""
    return LimitShare(policy().limits.share_of(system))
