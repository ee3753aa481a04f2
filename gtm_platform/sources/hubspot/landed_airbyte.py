"""HubSpot's records in the tables that Airbyte lands: the API's own records, each property also as a column."""

from collections.abc import Iterable

from gtm_platform.http.pages import Page, get_path, with_fields
from gtm_platform.http.pages import rows as listed
from gtm_platform.ingest.record import with_facts
from gtm_platform.sources.hubspot.records import Company, Contact, Deal, properties_of
from gtm_platform.sources.hubspot.streams import ENGAGEMENTS, WITH_WHOM
from gtm_platform.sources.landed.scope import Shape, Value
from gtm_platform.sources.landed.system import AIRBYTE, Lacking, LandedSystem, Part
from gtm_platform.sources.landed.values import (
    EMPTY_LIST,
    Changed,
    Constant,
    Either,
    LinksTo,
    Member,
    Property,
    document,
    instant,
    value,
)

MODIFIED = instant("properties_hs_lastmodifieddate", "updatedAt")
# Airbyte lands the ids of linked records only; these are the types of links that HubSpot itself makes.
DEFAULT_TYPES = {("contacts", "companies"): "279", ("deals", "companies"): "341", ("deals", "contacts"): "3"}


def _object(
    table: str,
    names: Iterable[str],
    changed: Value = MODIFIED,
    modified: str = "hs_lastmodifieddate",
    *,
    facts: dict[str, Shape] | None = None,
    unless_in: str | None = None,
    optional: bool = False,
) -> Part:
    """A table of CRM objects; of those that were archived a newer row may stand in another one."""
    landed: dict[str, Shape] = {name: Property(f"properties_{name}", Member("properties", name)) for name in names}
    record: dict[str, Shape] = {"id": value("id"), "properties": {**landed, modified: Changed()}}
    return Part(table, record, facts or {}, changed, unless_in=unless_in, optional=optional)


def _links(part: Part, from_type: str, to_type: str) -> Part:
    """The links of the records of a part, which the API answers apart from them."""
    more = {"type_id": DEFAULT_TYPES[from_type, to_type], "category": "HUBSPOT_DEFINED"}
    facts: dict[str, Shape] = {
        "from_type": Constant(from_type),
        "from_id": value("id"),
        "to_type": Constant(to_type),
        "links": LinksTo(to_type, "to_id", more),
        "changed_at": Changed(),
    }
    return Part(part.table, None, facts, part.changed, unless_in=part.unless_in, optional=True)


def _stages(pipeline: bytes) -> Page:
    """The stages of a pipeline, each with its pipeline beside it."""
    facts = {"pipeline_id": get_path(pipeline, "id"), "pipeline_label": get_path(pipeline, "label")}
    stages = [with_fields(stage, id=get_path(stage, "stageId")) for stage in listed(pipeline, "stages")]
    return [with_facts(stage, **facts) for stage in stages]


CONTACTS = _object(
    "contacts",
    properties_of(Contact),
    instant("properties_lastmodifieddate", "updatedAt"),
    "lastmodifieddate",
)
DEALS = _object("deals", properties_of(Deal), unless_in="deals_archived")
WITH: dict[str, Shape] = {fact: Either((document(kind), EMPTY_LIST), "json") for fact, kind in WITH_WHOM.items()}
OWNER: dict[str, Shape] = {
    "id": value("id"),
    "userIdIncludingInactive": value("userIdIncludingInactive", "userId"),
    "email": value("email"),
    "firstName": value("firstName"),
    "lastName": value("lastName"),
}
PIPELINES = Part(
    "deal_pipelines",
    {"id": value("pipelineId"), "label": value("label"), "stages": document("stages")},
    key="pipelineId",
    split=_stages,
)

AIRBYTE_HUBSPOT = LandedSystem(
    "hubspot",
    "HubSpot",
    AIRBYTE,
    {
        "contacts": (CONTACTS,),
        "companies": (_object("companies", properties_of(Company)),),
        "deals": (DEALS, _object("deals_archived", properties_of(Deal), optional=True)),
        "owners": (
            Part("owners", {**OWNER, "archived": value("archived")}, keeps_deleted=True),
            Part("owners_archived", {**OWNER, "archived": value("archived")}, keeps_deleted=True, optional=True),
        ),
        "pipelines": (PIPELINES,),
        "engagements": tuple(
            _object(
                f"engagements_{objects.kind}",
                objects.properties,
                facts={"engagement_type": Constant(kind), **WITH},
                optional=True,
            )
            for kind, objects in ENGAGEMENTS.items()
        ),
        "associations": (
            _links(CONTACTS, "contacts", "companies"),
            _links(DEALS, "deals", "companies"),
            _links(DEALS, "deals", "contacts"),
        ),
    },
    lacking={"associations": Lacking("the types and labels of links")},
)
