"""The receipt of an erasure: what was done, what others must do and until when; signed, and naming nobody."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gtm_platform.ingest.addresses import normal_address
from gtm_platform.ingest.suppression import PrivacyKey, of_address
from gtm_platform.policy import Policy
from gtm_platform.privacy.person import Person
from gtm_platform.privacy.seal import signed
from gtm_platform.settings import settings
from gtm_platform.state.erasures import Erasure

FORMAT = 1


def make(
    rules: Policy,
    erasure: Erasure,
    person: Person,
    begun: datetime,
    finished: datetime,
    outside: Mapping[str, str],
    key: PrivacyKey,
) -> dict[str, Any]:
    """Return the signed receipt."""
    addresses = {normal for each in person.addresses if (normal := normal_address(each))}
    content = {
        "format": FORMAT,
        "erasure": erasure.id,
        # Whoever has the key and an address can tell whether it is of this person; nobody else can.
        "person": sorted(key.digest(of_address(address)) for address in addresses),
        "reason": erasure.reason,
        "requested_by": erasure.requested_by,
        "requested_at": _instant(erasure.requested_at),
        "begun_at": _instant(begun),
        "finished_at": _instant(finished),
        "erased": {name: erasure.plan[name] for name in ("lake", "state", "files", "guests", "history")},
        "destinations": dict(outside),
        "others_must": _others_must(rules, erasure, outside, finished),
    }
    return signed(content, key)


def _others_must(rules: Policy, erasure: Erasure, outside: Mapping[str, str], finished: datetime) -> list[str]:
    until = finished + timedelta(days=rules.privacy.backups_days)
    duties = [
        f"Backups of the home and of its databases, a write-ahead log of Postgres included, hold the person until they "
        f"are over, on {until:%Y-%m-%d}. Whoever restores one before carries the erasure out again: its addresses and "
        f"records are still recognised, and do not land again."
    ]
    if address := settings().gtm_lake:
        duties.append(
            f"If {address} keeps versions of objects, those hold the person until a lifecycle rule expires them. "
            f"Other machines drop their copies of removed files once they list them; delete their cache to be sure."
        )
    deleted = {name for name, done in outside.items() if "were deleted" in done}
    for system, count in sorted(erasure.plan["systems"].items()):
        if system not in deleted:
            duties.append(
                f"{system} still has {count} records of the person: delete them there. They do not land here."
            )
    if messages := erasure.plan["state"].get("slack_messages"):
        duties.append(f"Up to {messages} messages about the person were posted: delete them where they stand.")
    if messages := erasure.plan["state"].get("trigger_messages"):
        duties.append(f"{messages} webhooks about the person were sent, or were to be: tell their receivers.")
    return duties


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
