"""HubSpot's records in the tables that Fivetran lands: a column for each property, a table for each kind of link."""

from collections.abc import Iterable, Mapping

from gtm_platform.sources.hubspot.records import Company, Contact, Deal, properties_of
from gtm_platform.sources.hubspot.streams import ENGAGEMENTS, WITH_WHOM
from gtm_platform.sources.landed.scope import Shape
from gtm_platform.sources.landed.system import FIVETRAN, Account, Lacking, LandedSystem, Part
from gtm_platform.sources.landed.values import (
    Changed,
    Constant,
    Either,
    IsEmpty,
    ListOf,
    Rows,
    Where,
    first_of,
    instant,
    row,
    rows,
    value,
)

MODIFIED = instant("property_hs_lastmodifieddate", "_fivetran_synced")


def _properties(
    names: Iterable[str], otherwise: Mapping[str, Shape] | None = None, modified: str = "hs_lastmodifieddate"
) -> dict[str, Shape]:
    """Each property from the column that is named after it, but for those that lie elsewhere."""
    landed: dict[str, Shape] = {name: value(f"property_{name}") for name in names}
    return {"properties": {**landed, **(otherwise or {}), modified: Changed()}}


def _stage(column: str) -> Shape:
    return row("deal_pipeline_stage", by={"stage_id": "deal_pipeline_stage_id"}, shape=value(column))


def _link(to: Shape, **constants: str) -> Mapping[str, Shape]:
    """A link as it is stored: to what, and of which type."""
    columns: dict[str, Shape] = {name: value(name) for name in ("type_id", "label", "category")}
    return {"to_id": to, **columns, **{name: Constant(constant) for name, constant in constants.items()}}


def _links(part: Part, from_type: str, to_type: str, links: Shape) -> Part:
    """The links of the records of a part, which the API answers apart from them."""
    facts: dict[str, Shape] = {
        "from_type": Constant(from_type),
        "from_id": value(part.key),
        "to_type": Constant(to_type),
        "links": links,
        "changed_at": Changed(),
    }
    return Part(part.table, None, facts, part.changed, key=part.key, optional=True)


def _with(fact: str) -> Shape:
    """The ids of a kind of records that an engagement was with."""
    column = fact.removesuffix("s")
    table = f"engagement_{column.removesuffix('_id')}"
    return rows(table, by={"engagement_id": "engagement_id"}, shape=value(column), order=column)


def _engagement(kind: str) -> Part:
    otherwise: dict[str, Shape] = {"hs_note_body": value("property_hs_note_body", "body")} if kind == "note" else {}
    record = {"id": value("engagement_id"), **_properties(ENGAGEMENTS[kind].properties, otherwise)}
    facts: dict[str, Shape] = {"engagement_type": Constant(kind), **{fact: _with(fact) for fact in WITH_WHOM}}
    return Part(f"engagement_{kind}", record, facts, MODIFIED, key="engagement_id", optional=True)


CONTACTS = Part(
    "contact",
    {
        "id": value("id"),
        **_properties(
            properties_of(Contact), {"email": value("property_email", "property_email_1")}, "lastmodifieddate"
        ),
    },
    changed=instant("property_lastmodifieddate", "_fivetran_synced"),
)
COMPANIES = Part("company", {"id": value("id"), **_properties(properties_of(Company))}, changed=MODIFIED)
DEALS = Part(
    "deal",
    {
        "id": value("deal_id"),
        **_properties(
            properties_of(Deal),
            {
                "dealstage": value("deal_pipeline_stage_id", "property_dealstage"),
                "pipeline": value("deal_pipeline_id", "property_pipeline"),
                "hubspot_owner_id": value("owner_id", "property_hubspot_owner_id"),
                "hs_is_closed": first_of(value("property_hs_is_closed"), _stage("is_closed")),
                "hs_is_closed_won": first_of(value("property_hs_is_closed_won"), _stage("closed_won")),
            },
        ),
    },
    changed=MODIFIED,
    key="deal_id",
)
OWNERS = Part(
    "owner",
    {
        "id": value("owner_id"),
        "userIdIncludingInactive": value("user_id_including_inactive", "active_user_id"),
        "email": value("email"),
        "firstName": value("first_name"),
        "lastName": value("last_name"),
        "archived": IsEmpty("active_user_id"),
    },
    key="owner_id",
    keeps_deleted=True,
)
STAGES = Part(
    "deal_pipeline_stage",
    {
        "id": value("stage_id"),
        "label": value("label"),
        "displayOrder": value("display_order"),
        "metadata": {"isClosed": value("is_closed"), "probability": value("probability")},
    },
    {
        "pipeline_id": value("pipeline_id"),
        "pipeline_label": row("deal_pipeline", by={"pipeline_id": "pipeline_id"}, shape=value("label")),
    },
    key="stage_id",
)

# Where the table of all links was not landed, a contact's property names its primary company.
PRIMARY = Where(
    ("property_associatedcompanyid",),
    _link(value("property_associatedcompanyid"), type_id="1", label="Primary", category="HUBSPOT_DEFINED"),
)
COMPANIES_OF_CONTACT = Either(
    (
        Rows(("contact_company",), {"contact_id": "id"}, _link(value("company_id")), "company_id"),
        ListOf(PRIMARY),
    ),
    "json",
)


def _linked(table: str, column: str) -> Shape:
    return rows(table, by={"deal_id": "deal_id"}, shape=_link(value(column)), order=column)


FIVETRAN_HUBSPOT = LandedSystem(
    "hubspot",
    "HubSpot",
    FIVETRAN,
    {
        "contacts": (CONTACTS,),
        "companies": (COMPANIES,),
        "deals": (DEALS,),
        "owners": (OWNERS,),
        "pipelines": (STAGES,),
        "engagements": tuple(map(_engagement, ENGAGEMENTS)),
        "associations": (
            _links(CONTACTS, "contacts", "companies", COMPANIES_OF_CONTACT),
            _links(DEALS, "deals", "companies", _linked("deal_company", "company_id")),
            _links(DEALS, "deals", "contacts", _linked("deal_contact", "contact_id")),
        ),
    },
    accounts=tuple(Account(table, value("portal_id"), "HubSpot portal {id}") for table in ("company", "deal", "owner")),
    lacking={"associations": Lacking("the labels of links, and companies of a contact beside the primary one")},
)
