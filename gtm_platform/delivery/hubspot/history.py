"""Who or what changed a value in HubSpot, and when, by the history that HubSpot keeps of each property."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Kind = Literal["person", "workflow", "import", "integration", "form", "merge", "other"]

# What HubSpot calls the sources of changes; a source that is not among them may be a person, and is treated so that
# nothing of what a person did is lost.
KINDS: Mapping[str, Kind] = {
    "CRM_UI": "person",
    "CRM_UI_BULK_ACTION": "person",
    "CONTACTS_WEB": "person",
    "BATCH_UPDATE": "person",
    "MOBILE_IOS": "person",
    "MOBILE_ANDROID": "person",
    "SALES": "person",
    "AUTOMATION_PLATFORM": "workflow",
    "WORKFLOWS": "workflow",
    "IMPORT": "import",
    "INTEGRATION": "integration",
    "API": "integration",
    "INTEGRATIONS_PLATFORM": "integration",
    "FORM": "form",
    "MERGE_OBJECTS": "merge",
    "MERGE_CONTACTS": "merge",
    "MERGE_COMPANIES": "merge",
}
WORDS: Mapping[Kind, str] = {
    "person": "a person",
    "workflow": "a workflow",
    "import": "an import",
    "integration": "an integration",
    "form": "a form",
    "merge": "a merge",
    "other": "something",
}


@dataclass(frozen=True)
class Author:
    """Who or what set the newest value of a property: the kind, its id in HubSpot, and when.

    `is_us` where it is our own app, whether the journal knows of it or was put back from a backup of before.
    """

    kind: Kind
    name: str
    value: str
    at: datetime | None = None
    is_us: bool = False

    def __str__(self) -> str:
        """Say who, and when."""
        named = f" ({self.name})" if self.name else ""
        author = "our own app" if self.is_us else f"{WORDS[self.kind]}{named}"
        return author + (f" on {self.at:%Y-%m-%d %H:%M} UTC" if self.at else "")


def author_of(history: Sequence[Mapping[str, Any]], own_app: Callable[[], str | None]) -> Author | None:
    """Return who set the newest value of a property's history; None where HubSpot has none."""
    if not history:
        return None
    newest = max(history, key=lambda change: str(change.get("timestamp") or ""))
    source, at = str(newest.get("sourceType") or ""), newest.get("timestamp")
    kind, name = KINDS.get(source, "other"), _name(source, newest)
    return Author(
        kind,
        name,
        str(newest.get("value") or ""),
        datetime.fromisoformat(at) if isinstance(at, str) else None,
        is_us=kind == "integration" and name == own_app(),
    )


def _name(source: str, change: Mapping[str, Any]) -> str:
    """Return the ids that HubSpot gives: a user's number, or that of a workflow. They are no names of people."""
    user = change.get("updatedByUserId")
    if KINDS.get(source) == "person":
        return f"user {user}" if user is not None else ""
    name = str(change.get("sourceId") or source)[:100]
    return "" if "@" in name else name
