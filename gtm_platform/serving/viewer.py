"""Who looks, and what of it they may see: the same for the API, the chat and the dashboard, by the policy's roles."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gtm_platform.policy import Access, policy
from gtm_platform.policy.access import Area, Member, Role
from gtm_platform.serving.store.sight import EVERYTHING, Sight

WITHOUT_ROLE: frozenset[Area] = frozenset(["customers", "rules", "operations"])
WITH_AUDIT: frozenset[Area] = frozenset([*WITHOUT_ROLE, "audit"])
DIGEST_LENGTH = 16


@dataclass(frozen=True)
class Viewer:
    """Somebody who looks: the name in the audit, which surfaces they may open, what they see there."""

    actor: str
    areas: frozenset[Area]
    sight: Sight
    role: str | None = None


# Whoever reaches the dashboard of an installation where nobody signs in, on this machine alone.
TRUSTED = Viewer("dashboard", WITH_AUDIT, EVERYTHING)


def viewer_of(actor: str, name: str, role: Role, account_manager: str | None) -> Viewer:
    """Return the viewer that somebody with a role is."""
    managers = {"all": None, "own": (account_manager or "",), "none": ()}[role.customers]
    return Viewer(actor, frozenset(role.areas), Sight(role.personal, managers), name)


def signed_in(claims: Mapping[str, Any], access: Access) -> Viewer | None:
    """Return the viewer by the claims of an identity provider; None where the policy gives them no role.

    An address counts where the provider vouches for it.
    """
    email = claims.get("email")
    if not isinstance(email, str) or not email or claims.get("email_verified") is not True:
        return None
    member = _member(email, claims.get(access.groups_claim), access)
    if member is None:
        return None
    return viewer_of(actor_of(email), member.role, access.roles[member.role], member.account_manager)


def viewer_by_claims(claims: Mapping[str, Any]) -> Viewer | None:
    """Return the viewer by the policy in force."""
    return signed_in(claims, policy().access)


def actor_of(email: str) -> str:
    """Return the name by which the audit knows somebody: a digest, as addresses stay out of it."""
    return f"person {hashlib.sha256(email.strip().lower().encode()).hexdigest()[:DIGEST_LENGTH]}"


def _member(email: str, groups: object, access: Access) -> Member | None:
    by_address = {address.strip().lower(): member for address, member in access.members.items()}
    if member := by_address.get(email.strip().lower()):
        return member
    listed = groups if isinstance(groups, list | tuple) else ()
    for group, member in access.groups.items():
        if group in listed:
            return member
    return Member(role=access.everybody) if access.everybody else None
