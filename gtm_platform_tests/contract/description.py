"""What a system says of its own API, and how far an exchange agrees with it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote

from gtm_platform_tests.contract.recorder import Exchange, parsed
from gtm_platform_tests.contract.schemas import Schema, Schemas

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Finding:
    """One way in which exchanges differ from the description; `shown` is what one of them held."""

    system: str
    operation: str
    pointer: str
    problem: str
    shown: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.system}: {self.operation}: {self.pointer} {self.problem} {self.shown}".strip()


@dataclass(frozen=True)
class Operation:
    path: str
    method: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Description:
    """A system's API as an OpenAPI document. `same` rewrites a path to the one under which it is described."""

    system: str
    document: dict[str, Any]
    same: tuple[str, str] = (r"^$", "")

    def __post_init__(self) -> None:
        self.schemas = Schemas(self.document)
        self._paths = [(path, re.compile(re.sub(r"\\{.*?\\}", "[^/]+", re.escape(path)))) for path in self._literal()]

    def _literal(self) -> list[str]:
        """The paths, the most literal ones first."""
        return sorted(self.document["paths"], key=lambda path: path.count("{"))

    def operation(self, exchange: Exchange) -> Operation | None:
        asked = re.sub(*self.same, exchange.path)
        method = exchange.method.lower()
        fitting = (path for path, pattern in self._paths if pattern.fullmatch(asked))
        found = next((path for path in fitting if method in self.document["paths"][path]), None)
        return Operation(found, exchange.method) if found else None

    def disagreements(self, exchange: Exchange, *, asked_rightly: bool = True) -> set[Finding]:
        """With the answer, and with the request, unless it was meant to be wrong."""
        operation = self.operation(exchange)
        if operation is None:
            return {Finding(self.system, f"{exchange.method} {exchange.path}", "", "is no operation")}
        found = list(self._in_answer(exchange, operation))
        if asked_rightly:
            found += self._in_request(exchange, operation)
        return {Finding(self.system, str(operation), *each) for each in found}

    # --- the request -----------------------------------------------------------------------------------------------

    def _in_request(self, exchange: Exchange, operation: Operation) -> Iterator[tuple[str, str, str]]:
        yield from self._in_parameters(exchange, operation)
        body = self._held(operation).get("requestBody")
        if body is None:
            if exchange.body:
                yield "request", "has a body", exchange.body.decode()[:80]
            return
        if not exchange.body and not body.get("required"):
            return
        kind = exchange.headers.get("content-type", "").partition(";")[0]
        if kind not in body["content"]:
            yield "request", "has a body of the wrong kind", kind
            return
        pointer = _pointer(operation, "requestBody", "content", kind, "schema")
        value = parsed(exchange.body) if kind == JSON else _form(exchange.body)
        for where, what, shown in self.schemas.problems(value, pointer):
            yield f"request{where}", what, shown

    def _in_parameters(self, exchange: Exchange, operation: Operation) -> Iterator[tuple[str, str, str]]:
        told = self._parameters(operation)
        given = {("header", name): [value] for name, value in exchange.headers.items()}
        given |= {("path", name): [value] for name, value in self._path_values(exchange, operation).items()}
        query = _by_name(exchange.query)
        for name in query.keys() - {name for place, name in told if place == "query"}:
            yield f"query/{name}", "is not described", str(query[name])
        given |= {("query", name): values for name, values in query.items()}
        for (place, name), (number, parameter) in told.items():
            values = given.get((place, name))
            if values is None:
                if parameter.get("required"):
                    yield f"{place}/{name}", "is missing", ""
            elif "schema" in parameter:
                pointer = _pointer(operation, "parameters", str(number), "schema")
                for where, what, shown in self.schemas.problems(_typed(values, parameter["schema"]), pointer):
                    yield f"{place}/{name}{where}", what, shown

    def _parameters(self, operation: Operation) -> dict[tuple[str, str], tuple[int, dict[str, Any]]]:
        held = self._held(operation).get("parameters", [])
        return {
            (each["in"], each["name"].lower() if each["in"] == "header" else each["name"]): (number, each)
            for number, each in enumerate(held)
        }

    def _path_values(self, exchange: Exchange, operation: Operation) -> dict[str, str]:
        steps = zip(operation.path.split("/"), re.sub(*self.same, exchange.path).split("/"), strict=True)
        return {told[1:-1]: given for told, given in steps if told.startswith("{")}

    # --- the answer ------------------------------------------------------------------------------------------------

    def _in_answer(self, exchange: Exchange, operation: Operation) -> Iterator[tuple[str, str, str]]:
        answers = self._held(operation)["responses"]
        status = str(exchange.status)
        told = next((key for key in (status, f"{status[0]}XX", "default") if key in answers), None)
        if told is None:
            yield status, "is no status told of", exchange.answer.decode()[:80]
            return
        content = answers[told].get("content", {})
        kind = exchange.answer_headers.get("content-type", "").partition(";")[0]
        if not content and exchange.answer:
            yield status, "has a body", exchange.answer.decode()[:80]
        if content and kind not in content:
            yield status, "has a body of the wrong kind", f"{kind} {exchange.answer.decode()[:80]}"
        if kind != JSON or "schema" not in content.get(JSON, {}):
            return
        pointer = _pointer(operation, "responses", told, "content", JSON, "schema")
        for where, what, shown in self.schemas.problems(parsed(exchange.answer), pointer):
            yield f"{status}{where}", what, shown

    def _held(self, operation: Operation) -> dict[str, Any]:
        held: dict[str, Any] = self.document["paths"][operation.path][operation.method.lower()]
        return held


def _form(body: bytes) -> dict[str, Any]:
    pairs = _by_name(parse_qsl(body.decode(), keep_blank_values=True))
    return {name: _typed(value, {}) for name, value in pairs.items()}


def _pointer(operation: Operation, *steps: str) -> str:
    whole = ("paths", operation.path, operation.method.lower(), *steps)
    return "".join("/" + quote(step.replace("~", "~0").replace("/", "~1")) for step in whole)


def _by_name(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Values by parameter; those with names in brackets after the parameter's are the parts of one object."""
    found: dict[str, Any] = {}
    for whole, value in pairs:
        name, _, part = whole.partition("[")
        part = part.removesuffix("]")
        if part and not part.isdigit():
            found.setdefault(name, {})[part] = value
        else:
            found.setdefault(name, []).append(value)
    return found


def _typed(values: Any, schema: Schema) -> Any:
    """A parameter's value as what it stands for."""
    if isinstance(values, dict):
        return {name: _number(value) for name, value in values.items()}
    if schema.get("type") == "array":
        return [_typed([value], schema.get("items", {})) for value in values]
    value = values[0] if len(values) == 1 else values
    if schema.get("type") == "boolean":
        return {"true": True, "false": False}.get(value.lower(), value)
    return _number(value) if schema.get("type") in ("integer", "number") or "anyOf" in schema else value


def _number(text: str) -> int | str:
    return int(text) if text.removeprefix("-").isdecimal() else text
