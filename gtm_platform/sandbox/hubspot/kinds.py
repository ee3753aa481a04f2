"""The object types the sandbox knows, and how each is named in paths, texts and dates."""

from dataclasses import dataclass

from gtm_platform.sandbox.hubspot.errors import RefusedError


@dataclass(frozen=True)
class Kind:
    name: str
    singular: str
    type_id: str
    created: str  # the property that shows when a record was created
    modified: str  # the property that moves with each change
    shown: tuple[str, ...]  # properties answered when none are asked for, besides id and dates
    searched: tuple[str, ...]  # properties a search's `query` looks at
    required: tuple[str, ...] = ()

    @property
    def always_shown(self) -> tuple[str, ...]:
        return (self.created, self.modified, "hs_object_id")

    @property
    def is_engagement(self) -> bool:
        return "hs_timestamp" in self.required


def _engagement(name: str, type_id: str, *searched: str) -> Kind:
    dates = ("hs_createdate", "hs_lastmodifieddate")
    return Kind(name, name.removesuffix("s"), type_id, *dates, shown=(), searched=searched, required=("hs_timestamp",))


_ALL = (
    Kind(
        "contacts",
        "contact",
        "0-1",
        "createdate",
        "lastmodifieddate",
        ("email", "firstname", "lastname"),
        ("email", "firstname", "lastname", "phone", "company"),
    ),
    Kind(
        "companies",
        "company",
        "0-2",
        "createdate",
        "hs_lastmodifieddate",
        ("name", "domain"),
        ("name", "domain", "website", "phone"),
    ),
    Kind(
        "deals",
        "deal",
        "0-3",
        "createdate",
        "hs_lastmodifieddate",
        ("dealname", "amount", "closedate", "pipeline", "dealstage"),
        ("dealname", "description"),
    ),
    _engagement("notes", "0-46", "hs_note_body"),
    _engagement("calls", "0-48", "hs_call_title", "hs_call_body"),
    _engagement("meetings", "0-47", "hs_meeting_title", "hs_meeting_body"),
    _engagement("emails", "0-49", "hs_email_subject", "hs_email_text"),
    _engagement("tasks", "0-27", "hs_task_subject", "hs_task_body"),
)

CONTACTS, COMPANIES, DEALS = _ALL[:3]
KINDS = {kind.name: kind for kind in _ALL}
_BY_ANY_NAME = {name: kind for kind in _ALL for name in (kind.name, kind.singular, kind.type_id)}


def kind_called(name: str) -> Kind:
    kind = _BY_ANY_NAME.get(name.lower())
    if kind is None:
        raise RefusedError(400, f"Unable to infer object type from: {name}")
    return kind
