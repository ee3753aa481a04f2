"""JSON against the schemas of an OpenAPI document: what does not fit, and what the document does not know."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

Schema = Mapping[str, Any]
Problem = tuple[str, str, str]  # where in the value, what is wrong there, the value in short

DOCUMENT = "urn:document"
_NO_SCHEMAS = {"example", "examples", "enum", "default", "required", "discriminator"}

_formats = FormatChecker(formats=())


@_formats.checks("date-time", ValueError)
def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 says some things in its own way. An answer may fit several schemas of a `oneOf`: they overlap."""
    if isinstance(node, list):
        return [as_json_schema(each) for each in node]
    if not isinstance(node, dict):
        return node
    schema = {
        name: {key: as_json_schema(each) for key, each in value.items()}
        if name == "properties"
        else (value if name in _NO_SCHEMAS else as_json_schema(value))
        for name, value in node.items()
    }
    if "oneOf" in schema:
        schema["anyOf"] = [*schema.pop("oneOf"), *schema.get("anyOf", [])]
    return {"anyOf": [schema, {"type": "null"}]} if schema.pop("nullable", False) is True else schema


class Schemas:
    """The schemas of one document, by JSON pointer."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._registry: Registry[Any] = Registry().with_resource(
            DOCUMENT, Resource.from_contents(as_json_schema(document), default_specification=DRAFT202012)
        )
        self._resolver = self._registry.resolver(DOCUMENT)
        self._validators: dict[str, Draft202012Validator] = {}

    def problems(self, value: Any, pointer: str) -> Iterator[Problem]:
        """What is wrong, each once however many rows have it."""
        found = {(where, what): shown for where, what, shown in self._problems(value, pointer)}
        yield from ((where, what, shown) for (where, what), shown in found.items())

    def _problems(self, value: Any, pointer: str) -> Iterator[Problem]:
        reference = {"$ref": f"{DOCUMENT}#{pointer}"}
        if pointer not in self._validators:
            self._validators[pointer] = Draft202012Validator(
                reference, registry=self._registry, format_checker=_formats
            )
        for error in self._validators[pointer].iter_errors(value):
            for leaf in _leaves(error):
                yield _told(leaf)
        yield from self._unknown(value, [reference], "")

    def _unknown(self, value: Any, schemas: list[Schema], where: str) -> Iterator[Problem]:
        """Properties that none of the schemas names, where all of them are named."""
        plain = [each for schema in schemas for each in self._plain(schema, value)]
        if isinstance(value, list):
            items = [schema["items"] for schema in plain if "items" in schema]
            for each in value if items else []:
                yield from self._unknown(each, items, f"{where}/each")
        if isinstance(value, dict):
            named = [schema["properties"] for schema in plain if schema.get("properties")]
            further = [schema["additionalProperties"] for schema in plain if "additionalProperties" in schema]
            for name, held in value.items():
                known = [properties[name] for properties in named if name in properties]
                more = [schema for schema in further if isinstance(schema, dict)]
                if known or more:
                    yield from self._unknown(held, known or more, f"{where}/{name if known else 'any'}")
                elif named and not any(further):
                    yield f"{where}/{name}", "is not described", _short(held)

    def _plain(self, schema: Schema, value: Any) -> list[Schema]:
        """The schema and all that it is made of, without references, and without what names itself otherwise."""
        parts = [*schema.get("allOf", []), *schema.get("anyOf", [])]
        if "$ref" in schema:
            parts.append(self._resolver.lookup(DOCUMENT + schema["$ref"].removeprefix(DOCUMENT)).contents)
        found = [each for part in parts for each in self._plain(part, value)]
        return [] if _is_another(schema, value) else [*found, schema]


def _is_another(schema: Schema, value: Any) -> bool:
    told = schema.get("properties", {}).get("object", {})
    names = [name for each in (told, *told.get("anyOf", [])) for name in each.get("enum", [])]
    return isinstance(value, dict) and bool(names) and value.get("object") not in names


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Of an `anyOf` that nothing fits, what is wrong with the part that comes closest."""
    if error.validator != "anyOf" or error.instance is None:
        yield error
        return
    parts: dict[Any, list[ValidationError]] = {}
    for inner in error.context or []:
        parts.setdefault(inner.schema_path[0], []).append(inner)
    for inner in min(parts.values(), key=_distance):
        yield from _leaves(inner)


def _distance(errors: list[ValidationError]) -> tuple[bool, int]:
    return any(not error.path and error.validator in ("type", "enum") for error in errors), len(errors)


def _told(error: ValidationError) -> Problem:
    where = "".join("/each" if isinstance(step, int) else f"/{step}" for step in error.absolute_path)
    if error.validator == "required":
        missing = next(name for name in error.validator_value if repr(name) in error.message)
        return f"{where}/{missing}", "is missing", ""
    if error.instance is None:
        return where, "is null", ""
    what = {"type": f"is not of type {error.validator_value}", "enum": "is none of the values told"}
    return where, what.get(str(error.validator), f"fails {error.validator}"), _short(error.instance)


def _short(value: Any) -> str:
    return repr(value)[:80]
