"""The association types between two kinds of records, and what linking and parting two records does to both."""

from dataclasses import dataclass

from gtm_platform.sandbox.hubspot.errors import RefusedError
from gtm_platform.sandbox.hubspot.kinds import COMPANIES, CONTACTS, KINDS, Kind
from gtm_platform.sandbox.hubspot.store import HubSpotRecord


@dataclass(frozen=True)
class LinkType:
    """One direction of an association type; `inverse` is the id of the way back."""

    id: int
    inverse: int
    source: str
    target: str
    primary: bool = False

    @property
    def label(self) -> str | None:
        """What people call the link, None for a plain one."""
        return "Primary" if self.primary else None

    @property
    def name(self) -> str:
        """As the list and get-by-id calls name it."""
        plain = f"{KINDS[self.source].singular}_to_{KINDS[self.target].singular}"
        marked = (self.source, self.target) in _PRIMARY and not self.primary
        return f"{plain}_unlabeled" if marked else plain


def _both_ways(source: str, target: str, onward: int, back: int, *, primary: bool = False) -> list[LinkType]:
    return [LinkType(onward, back, source, target, primary), LinkType(back, onward, target, source, primary)]


_ALL = [
    *_both_ways("contacts", "companies", 279, 280),
    *_both_ways("contacts", "companies", 1, 2, primary=True),
    *_both_ways("deals", "contacts", 3, 4),
    *_both_ways("deals", "companies", 341, 342),
    *_both_ways("deals", "companies", 5, 6, primary=True),
    *_both_ways("calls", "companies", 182, 181),
    *_both_ways("calls", "contacts", 194, 193),
    *_both_ways("calls", "deals", 206, 205),
    *_both_ways("calls", "meetings", 399, 400),
    *_both_ways("emails", "companies", 186, 185),
    *_both_ways("emails", "contacts", 198, 197),
    *_both_ways("emails", "deals", 210, 209),
    *_both_ways("meetings", "companies", 188, 187),
    *_both_ways("meetings", "contacts", 200, 199),
    *_both_ways("meetings", "deals", 212, 211),
    *_both_ways("notes", "companies", 190, 189),
    *_both_ways("notes", "contacts", 202, 201),
    *_both_ways("notes", "deals", 214, 213),
    *_both_ways("tasks", "companies", 192, 191),
    *_both_ways("tasks", "contacts", 204, 203),
    *_both_ways("tasks", "deals", 216, 215),
    *_both_ways("tickets", "contacts", 16, 15),
    *_both_ways("tickets", "companies", 339, 340),
    *_both_ways("tickets", "companies", 26, 25, primary=True),
    *_both_ways("tickets", "deals", 28, 27),
    *_both_ways("tickets", "calls", 219, 220),
    *_both_ways("tickets", "emails", 223, 224),
    *_both_ways("tickets", "meetings", 225, 226),
    *_both_ways("tickets", "notes", 227, 228),
    *_both_ways("tickets", "tasks", 229, 230),
    *_both_ways("deals", "line_items", 19, 20),
    *_both_ways("deals", "quotes", 63, 64),
    *_both_ways("quotes", "line_items", 67, 68),
    *_both_ways("quotes", "contacts", 69, 70),
    *_both_ways("quotes", "companies", 71, 72),
    *_both_ways("quotes", "tasks", 217, 218),
]
LINK_TYPES = {link_type.id: link_type for link_type in _ALL}
_PRIMARY = {(link_type.source, link_type.target): link_type for link_type in _ALL if link_type.primary}
_DEFAULT = {(link_type.source, link_type.target): link_type for link_type in _ALL if not link_type.primary}


def default_type(source: Kind, target: Kind) -> LinkType:
    """The link without a label between two types."""
    link_type = _DEFAULT.get((source.name, target.name))
    if link_type is None:
        raise RefusedError(400, f"No association type is defined between {source.singular} and {target.singular}.")
    return link_type


def types_between(source: Kind, target: Kind) -> list[LinkType]:
    """All link types from one type to another."""
    return [link_type for link_type in _ALL if (link_type.source, link_type.target) == (source.name, target.name)]


def type_from(source: Kind, type_id: int) -> LinkType:
    """The link type of this id, which has to begin at the type."""
    link_type = LINK_TYPES.get(type_id)
    if link_type is None or link_type.source != source.name:
        raise RefusedError(400, f"Association type {type_id} is not valid from {source.singular}.")
    return link_type


def connect(link: LinkType, source: HubSpotRecord, target: HubSpotRecord, companies: dict[str, HubSpotRecord]) -> None:
    """Link two records in both directions.

    A label comes on top of the plain link, and the first company of a contact or deal is its primary one.
    """
    _mark(_DEFAULT[link.source, link.target], source, target)
    if link.source == COMPANIES.name:
        link, source, target = LINK_TYPES[link.inverse], target, source
    primary = _PRIMARY.get((link.source, link.target))
    if primary and (link.primary or not _has_primary(primary, source)):
        _set_primary(primary, source, target, companies)


def _mark(link: LinkType, source: HubSpotRecord, target: HubSpotRecord) -> None:
    source.links.setdefault(link.target, {}).setdefault(target.id, set()).add(link.id)
    target.links.setdefault(link.source, {}).setdefault(source.id, set()).add(link.inverse)


def _has_primary(primary: LinkType, record: HubSpotRecord) -> bool:
    return any(primary.id in marks for marks in record.links.get(COMPANIES.name, {}).values())


def _set_primary(
    primary: LinkType, record: HubSpotRecord, company: HubSpotRecord, companies: dict[str, HubSpotRecord]
) -> None:
    for company_id in record.links[COMPANIES.name]:
        if company_id in companies:
            unlabel(primary, record, companies[company_id])
    _mark(primary, record, company)
    if primary.source == CONTACTS.name:
        record.properties["associatedcompanyid"] = company.id


def unlabel(link: LinkType, source: HubSpotRecord, target: HubSpotRecord) -> None:
    """Removes one label and leaves the plain link."""
    source.links.get(link.target, {}).get(target.id, set()).discard(link.id)
    target.links.get(link.source, {}).get(source.id, set()).discard(link.inverse)


def part(source_kind: str, source: HubSpotRecord, target_kind: str, target: HubSpotRecord) -> None:
    """Removes all that links the two records."""
    source.links.get(target_kind, {}).pop(target.id, None)
    target.links.get(source_kind, {}).pop(source.id, None)
    if target_kind == COMPANIES.name:
        _forget_company(source, target)
    if source_kind == COMPANIES.name:
        _forget_company(target, source)


def _forget_company(record: HubSpotRecord, company: HubSpotRecord) -> None:
    if record.properties.get("associatedcompanyid") == company.id:
        del record.properties["associatedcompanyid"]
