"""What an object type of HubSpot declares to be delivered; its values stand one to a file in `object_types`."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cached_property

import ibis

from gtm_platform.delivery.hubspot.properties import Property, by_name
from gtm_platform.policy import HubSpot

Tables = Mapping[str, ibis.Table]


@dataclass(frozen=True)
class MatchKey:
    """A property of HubSpot's own by whose values an object is recognised, and the column that has ours.

    Of one that is unique in HubSpot the object is read by it, otherwise it is searched for. An object whose property
    `unless_other` has a value, and none of ours, is another one.
    """

    property: str
    column: str  # of texts, or of arrays of texts
    is_unique: bool = False
    further: str | None = None  # a property with further such values
    unless_other: str | None = None


@dataclass(frozen=True)
class Matching:
    """How an object is recognised that HubSpot may have unknown to us, and how a new one is created.

    The keys are tried in their order. The id property holds our record's id and is unique, so that no repeated call can
    make a second object. The policy says of which groups missing objects are created; the column `group` has them.
    """

    keys: tuple[MatchKey, ...]
    created_with: Mapping[str, str]  # properties of HubSpot's own, and the columns with their values
    id_property: Property
    group: str

    @property
    def columns(self) -> list[str]:
        """The columns that a plan has for it."""
        return list(dict.fromkeys([*(key.column for key in self.keys), *self.created_with.values(), self.group]))


@dataclass(frozen=True)
class Link:
    """An association that objects of a type are to have with those of another.

    `plan` gets the day's tables of `inputs` and returns a row for each pair: the ids of our records in `from_subject`
    and `to_subject`, their objects' in `from_id` and `to_id`, "" where we know of none, and in `same_ids` all objects
    of HubSpot that are the same as the second. Who is linked with any of those is linked.
    """

    to: str
    inputs: tuple[str, ...]
    plan: Callable[[Tables], ibis.Table]


@dataclass(frozen=True, eq=False)
class ObjectType:
    """A kind of objects in HubSpot, and how its rows of a day are made.

    `plan` gets the day's tables of `inputs` and returns a row for each object that is to hold our values: the id of our
    record in `subject`, the object's id in HubSpot in `key`, and the columns that the properties' origins name. Where a
    row's column `cleared` is true, the object is to hold none of our values any more. A value that is not known leaves
    what HubSpot holds, unless `clears_unknown`: of some objects, that there is none of something is known, too. Where a
    column of `lacking` is true, that holds for the properties of the input table that it is named for.

    Rows without an object's id, and with the columns of `matching`, are looked up in HubSpot and created where they are
    missing; without a matching there are no such rows.
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
    lacking: Mapping[str, str] = field(default_factory=dict)
    matching: Matching | None = None
    links: tuple[Link, ...] = ()
    days_back: Mapping[str, int] = field(default_factory=dict)  # inputs that are read of so many earlier days, too
    about: str = ""

    @cached_property
    def by_name(self) -> Mapping[str, Property]:
        """The properties by their names in HubSpot."""
        return by_name(self.properties)

    @cached_property
    def names(self) -> list[str]:
        """The names of the properties in HubSpot."""
        return list(self.by_name)

    @cached_property
    def personal(self) -> Set[str]:
        """The names of the properties whose values say who somebody is."""
        return {property.name for property in self.properties if property.personal}

    def columns_of(self, table: str) -> list[str]:
        """List what is needed of a table: values, and the rules they were made by."""
        origins = [property.origin for property in self.properties if property.origin.table == table]
        return list(dict.fromkeys(name for origin in origins for name in (origin.column, origin.rule)))

    def list_url(self, portal_id: str) -> str:
        """Return the address of the list of all these objects in HubSpot."""
        return f"https://app.hubspot.com/contacts/{portal_id}/objects/{self.type_id}/views/all/list"

    def named_by(self, rules: HubSpot) -> "ObjectType":
        """Return the type with the properties that the policy leaves on, under the names that it gives them."""
        chosen = rules.names.get(self.name, {})
        own = [*self.properties, *([self.matching.id_property] if self.matching else [])]
        if unknown := sorted(chosen.keys() - {property.name for property in own}):
            raise LookupError(
                f"The policy names {', '.join(unknown)} in hubspot.names.{self.name}, but no property of HubSpot's "
                f"{self.name} is called so here; those that are: {', '.join(property.name for property in own)}."
            )
        names = {property.name: chosen.get(property.name, rules.property_prefix + property.name) for property in own}
        properties = tuple(replace(each, name=names[each.name]) for each in self.properties if names[each.name])
        return replace(self, properties=properties, matching=self._matching_named(names))

    def _matching_named(self, names: Mapping[str, str]) -> Matching | None:
        """Without a name for the id property nothing is looked up or created: a repeated call could make a second."""
        if self.matching is None or not names[self.matching.id_property.name]:
            return None
        id_property = replace(self.matching.id_property, name=names[self.matching.id_property.name])
        return replace(self.matching, id_property=id_property)
