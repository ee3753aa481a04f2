"""What an object type of HubSpot declares to be delivered; its values stand one to a file in `object_types`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import ibis

from gtm_platform.delivery.hubspot.properties import Property, by_name

Tables = Mapping[str, ibis.Table]


@dataclass(frozen=True, eq=False)
class ObjectType:
    """A kind of objects in HubSpot, and how its rows of a day are made.

    `plan` gets the day's tables of `inputs` and returns a row for each object that is to hold our values: the id of our
    record in `subject`, the object's id in HubSpot in `key`, and the columns that the properties' origins name. Where a
    row's column `cleared` is true, the object is to hold none of our values any more. A value that is not known leaves
    what HubSpot holds, unless `clears_unknown`: of some objects, that there is none of something is known, too.
    """

    name: str  # as in the paths of the API: contacts, companies, deals
    label: str  # of one of them: contact
    type_id: str  # as in the addresses of HubSpot's pages: 0-1
    key: str
    subject: str
    properties: tuple[Property, ...]
    inputs: tuple[str, ...]
    plan: Callable[[Tables], ibis.Table]
    cleared: str | None = None
    clears_unknown: bool = False
    about: str = ""

    @cached_property
    def by_name(self) -> Mapping[str, Property]:
        """The properties by their names in HubSpot."""
        return by_name(self.properties)

    @cached_property
    def names(self) -> list[str]:
        """The names of the properties in HubSpot."""
        return list(self.by_name)

    def columns_of(self, table: str) -> list[str]:
        """List what is needed of a table: values, and the rules they were made by."""
        origins = [property.origin for property in self.properties if property.origin.table == table]
        return list(dict.fromkeys(name for origin in origins for name in (origin.column, origin.rule)))

    def list_url(self, portal_id: str) -> str:
        """Return the address of the list of all these objects in HubSpot."""
        return f"https://app.hubspot.com/contacts/{portal_id}/objects/{self.type_id}/views/all/list"
