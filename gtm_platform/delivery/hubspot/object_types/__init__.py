"""The object types that are delivered to HubSpot: one to a file, as its OBJECT_TYPE; each becomes an asset."""

from importlib import import_module
from pkgutil import iter_modules

from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.policy import policy


def object_types() -> tuple[ObjectType, ...]:
    """Return the object types of this package's files, in the order of their names."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return tuple(sorted((module.OBJECT_TYPE for module in modules), key=lambda object_type: object_type.name))


def delivered_types() -> tuple[ObjectType, ...]:
    """Return the object types with their properties named, or switched off, as the policy says."""
    rules = policy().hubspot
    return tuple(object_type.named_by(rules) for object_type in object_types())


def object_type_named(name: str) -> ObjectType:
    """Return the object type of a name, as the journal keeps it."""
    types = {object_type.name: object_type for object_type in object_types()}
    if name not in types:
        raise LookupError(f"Nothing declares how HubSpot's {name} are delivered; those that are: {', '.join(types)}.")
    return types[name]
