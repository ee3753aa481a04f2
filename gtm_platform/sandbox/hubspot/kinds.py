"""The object types of the sandbox's portal, and how each is named in paths, texts and dates."""

from dataclasses import dataclass

from gtm_platform.sandbox.hubspot.errors import RefusedError


@dataclass(frozen=True)
class Kind:
    """An object type. Records of the last ones below are not made by the world; a client may make some."""

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
        """The properties of every answer."""
        return (self.created, self.modified, "hs_object_id")

    @property
    def is_engagement(self) -> bool:
        """Whether records are something that happened, at their own time."""
        return "hs_timestamp" in self.required


def _engagement(name: str, type_id: str, *searched: str) -> Kind:
    dates = ("hs_createdate", "hs_lastmodifieddate")
    return Kind(name, name.removesuffix("s"), type_id, *dates, shown=(), searched=searched, required=("hs_timestamp",))


def _kind(name: str, singular: str, type_id: str, shown: str, searched: str, created: str = "createdate") -> Kind:
    modified = "lastmodifieddate" if name == "contacts" else "hs_lastmodifieddate"
    return Kind(name, singular, type_id, created, modified, tuple(shown.split()), tuple(searched.split()))


CONTACTS = _kind("contacts", "contact", "0-1", "email firstname lastname", "email firstname lastname phone company")
COMPANIES = _kind("companies", "company", "0-2", "name domain", "name domain website phone")
DEALS = _kind("deals", "deal", "0-3", "dealname amount closedate pipeline dealstage", "dealname description")

_ALL = (
    CONTACTS,
    COMPANIES,
    DEALS,
    _engagement("notes", "0-46", "hs_note_body"),
    _engagement("calls", "0-48", "hs_call_title", "hs_call_body"),
    _engagement("meetings", "0-47", "hs_meeting_title", "hs_meeting_body"),
    _engagement("emails", "0-49", "hs_email_subject", "hs_email_text"),
    _engagement("tasks", "0-27", "hs_task_subject", "hs_task_body"),
    _engagement("communications", "0-18", "hs_communication_body"),
    _kind("tickets", "ticket", "0-5", "subject content hs_pipeline hs_pipeline_stage", "subject content"),
    _kind("line_items", "line_item", "0-8", "", "name description"),
    _kind("products", "product", "0-7", "name price", "name description hs_sku"),
    _kind("quotes", "quote", "0-14", "", "hs_title", created="hs_createdate"),
)

KINDS = {kind.name: kind for kind in _ALL}
_BY_ANY_NAME = {name: kind for kind in _ALL for name in (kind.name, kind.singular, kind.type_id)}


def kind_called(name: str) -> Kind:
    """The object type of a path, by its name in either number or by its id."""
    kind = _BY_ANY_NAME.get(name.lower())
    if kind is None:
        raise RefusedError(400, f"Unable to infer object type from: {name}")
    return kind
