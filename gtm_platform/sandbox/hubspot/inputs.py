"""The bodies HubSpot takes. What does not fit is answered with a 400 that says where."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request

from gtm_platform.sandbox.hubspot.errors import RefusedError


class Body(BaseModel):
    """A JSON object in camel case; numbers pass for text, and unknown members are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, coerce_numbers_to_str=True, extra="ignore")


Model = TypeVar("Model", bound=BaseModel)


async def body_of(request: Request, model: type[Model]) -> Model:
    """The body of a request, checked."""
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        first = error.errors()[0]
        where = "/".join(str(step) for step in first["loc"])
        raise RefusedError(400, f"Invalid input JSON at '{where}': {first['msg']}") from error


class TokenKey(Body):
    """A token that is asked about."""

    token_key: str


# --- records -------------------------------------------------------------------------------------------------------


class Ref(Body):
    """A record by its id alone."""

    id: str


class LinkSpec(Body):
    """An association type by its category and number."""

    association_category: str
    association_type_id: int


class LinkSpecs(RootModel[list[LinkSpec]]):
    """The bare array of association types that is the body of a single association."""


class NewLink(Body):
    """An association that is made together with a new record."""

    to: Ref
    types: list[LinkSpec]


class NewRecord(Body):
    """A record to create; the trace id comes back with its errors in a batch."""

    properties: dict[str, Any]
    associations: list[NewLink] | None = None
    object_write_trace_id: str | None = None


class ChangedRecord(Body):
    """The properties to set on one record, whose id is in the path."""

    properties: dict[str, Any]


class BatchChange(Body):
    """One record of a batch update or upsert, found by its id or by a unique property."""

    id: str
    properties: dict[str, Any]
    id_property: str | None = None
    object_write_trace_id: str | None = None


class BatchRead(Body):
    """The records to read in one call, and which of their properties to show, with history or without."""

    inputs: list[Ref]
    properties: list[str] = []
    properties_with_history: list[str] | None = None
    id_property: str | None = None


class BatchCreate(Body):
    """The records to create in one call."""

    inputs: list[NewRecord]


class BatchChanges(Body):
    """The records to update or upsert in one call."""

    inputs: list[BatchChange]


class BatchRefs(Body):
    """The records to archive in one call."""

    inputs: list[Ref]


class Merge(Body):
    """Two records to merge: the primary one keeps its values where both have some."""

    primary_object_id: str
    object_id_to_merge: str


class GdprDelete(Body):
    """A contact to delete for good, by its id or by its e-mail address."""

    object_id: str
    id_property: str | None = None


# --- search --------------------------------------------------------------------------------------------------------


class Filter(Body):
    """One condition of a search; which of the three value members counts depends on the operator."""

    property_name: str
    operator: str
    value: str | None = None
    high_value: str | None = None
    values: list[str] | None = None


class FilterGroup(Body):
    """Conditions that all have to hold; the groups of a search are alternatives."""

    filters: list[Filter]


class Sort(Body):
    """The property by which the results of a search are ordered."""

    property_name: str
    direction: str = "ASCENDING"


class Search(Body):
    """A search; `after` is an offset, `query` looks into the searchable properties as free text."""

    filter_groups: list[FilterGroup] | None = None
    sorts: list[Sort | str] | None = None
    properties: list[str] | None = None
    limit: int = 10
    after: str | None = None
    query: str | None = None


# --- associations --------------------------------------------------------------------------------------------------


class ReadLinks(Body):
    """A record whose associations are read, from the cursor `after` on."""

    id: str
    after: str | None = None


class BatchReadLinks(Body):
    """The records whose associations are read in one call."""

    inputs: list[ReadLinks]


class Pair(Body):
    """Two records to associate; without types by the default association."""

    source: Ref = Field(alias="from")
    to: Ref
    types: list[LinkSpec] = []


class BatchPairs(Body):
    """The pairs to associate, or to take labels from, in one call."""

    inputs: list[Pair]


class Parting(Body):
    """A record, and those from which all its associations are removed."""

    source: Ref = Field(alias="from")
    to: list[Ref]


class BatchPartings(Body):
    """The associations to remove in one call."""

    inputs: list[Parting]


# --- definitions ---------------------------------------------------------------------------------------------------


class Option(Body):
    """A choice of an enumeration; `value` is stored, `label` is shown."""

    label: str
    value: str
    description: str = ""
    display_order: int = -1
    hidden: bool = False


class NewProperty(Body):
    """A property definition to create."""

    name: str
    label: str
    type: str
    field_type: str
    group_name: str
    description: str = ""
    options: list[Option] = []
    display_order: int = -1
    has_unique_value: bool = False
    hidden: bool = False
    form_field: bool = False
    external_options: bool = False


class BatchProperties(Body):
    """The property definitions to create in one call."""

    inputs: list[NewProperty]


class ChangedProperty(Body):
    """What to change in a property definition; None leaves it as it is."""

    label: str | None = None
    type: str | None = None
    field_type: str | None = None
    group_name: str | None = None
    description: str | None = None
    options: list[Option] | None = None
    display_order: int | None = None
    hidden: bool | None = None
    form_field: bool | None = None


class NewGroup(Body):
    """A group of properties to create."""

    name: str
    label: str
    display_order: int = -1


class ChangedGroup(Body):
    """What to change in a group of properties; None leaves it as it is."""

    label: str | None = None
    display_order: int | None = None
