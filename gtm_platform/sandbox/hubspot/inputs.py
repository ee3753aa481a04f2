"""The bodies HubSpot takes. What does not fit is answered with a 400 that says where."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request

from gtm_platform.sandbox.hubspot.errors import RefusedError


class Body(BaseModel):
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


# --- records -------------------------------------------------------------------------------------------------------


class Ref(Body):
    id: str


class LinkSpec(Body):
    association_category: str
    association_type_id: int


class LinkSpecs(RootModel[list[LinkSpec]]):
    pass


class NewLink(Body):
    to: Ref
    types: list[LinkSpec]


class NewRecord(Body):
    properties: dict[str, Any]
    associations: list[NewLink] | None = None
    object_write_trace_id: str | None = None


class ChangedRecord(Body):
    properties: dict[str, Any]


class BatchChange(Body):
    id: str
    properties: dict[str, Any]
    id_property: str | None = None
    object_write_trace_id: str | None = None


class BatchRead(Body):
    inputs: list[Ref]
    properties: list[str] = []
    properties_with_history: list[str] | None = None
    id_property: str | None = None


class BatchCreate(Body):
    inputs: list[NewRecord]


class BatchChanges(Body):
    inputs: list[BatchChange]


class BatchRefs(Body):
    inputs: list[Ref]


class Merge(Body):
    primary_object_id: str
    object_id_to_merge: str


class GdprDelete(Body):
    object_id: str
    id_property: str | None = None


# --- search --------------------------------------------------------------------------------------------------------


class Filter(Body):
    property_name: str
    operator: str
    value: str | None = None
    high_value: str | None = None
    values: list[str] | None = None


class FilterGroup(Body):
    filters: list[Filter]


class Sort(Body):
    property_name: str
    direction: str = "ASCENDING"


class Search(Body):
    filter_groups: list[FilterGroup] | None = None
    sorts: list[Sort | str] | None = None
    properties: list[str] | None = None
    limit: int = 10
    after: str | None = None
    query: str | None = None


# --- associations --------------------------------------------------------------------------------------------------


class ReadLinks(Body):
    id: str
    after: str | None = None


class BatchReadLinks(Body):
    inputs: list[ReadLinks]


class Pair(Body):
    source: Ref = Field(alias="from")
    to: Ref
    types: list[LinkSpec] = []


class BatchPairs(Body):
    inputs: list[Pair]


class Parting(Body):
    source: Ref = Field(alias="from")
    to: list[Ref]


class BatchPartings(Body):
    inputs: list[Parting]


# --- definitions ---------------------------------------------------------------------------------------------------


class Option(Body):
    label: str
    value: str
    description: str = ""
    display_order: int = -1
    hidden: bool = False


class NewProperty(Body):
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
    inputs: list[NewProperty]


class ChangedProperty(Body):
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
    name: str
    label: str
    display_order: int = -1


class ChangedGroup(Body):
    label: str | None = None
    display_order: int | None = None
