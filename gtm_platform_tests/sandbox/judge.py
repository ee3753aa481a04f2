"""Answers of an emulator, judged by a published description of its system; skipped where there is none at hand."""

from collections.abc import Callable, Iterable
from typing import Any

import httpx
import yaml
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from gtm_platform_tests.contract.description import Description
from gtm_platform_tests.contract.places import SPECS
from gtm_platform_tests.contract.recorder import Recorder, served

METHODS = ("get", "post", "put", "patch", "delete")


def described(system: str, file: str) -> Description:
    """The description of a system in OpenAPI, its shared parameters and answers put where they are referred to."""
    document: dict[str, Any] = yaml.load((SPECS / file).read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for path in document["paths"].values():
        shared = [_resolved(document, each) for each in path.get("parameters", [])]
        for operation in (path[method] for method in METHODS if method in path):
            own = [_resolved(document, each) for each in operation.get("parameters", [])]
            operation["parameters"] = [*own, *shared]
            answers = operation["responses"].items()
            operation["responses"] = {str(status): _resolved(document, answer) for status, answer in answers}
    return Description(system, document)


def _resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    result: Any = document
    for step in node["$ref"].removeprefix("#/").split("/"):
        result = result[step]
    return _resolved(document, result)


def differences(
    description: Description,
    app: ASGIApp,
    headers: dict[str, str],
    walk: Callable[[httpx.Client], object],
    expected: Iterable[str] = (),
) -> list[str]:
    """Where the answers on a walk differ from the description, unless a known difference says so; a known difference
    is the end of what is found: pointer and problem.
    """
    system = description.system
    recorder = Recorder(Starlette(routes=[Mount(f"/{system}", app)]))
    with served(recorder) as url, httpx.Client(base_url=f"{url}/{system}", headers=headers, trust_env=False) as client:
        walk(client)
    result = {
        f"{finding.operation}: {finding.pointer} {finding.problem} {finding.shown}"
        for exchange in recorder.exchanges
        for finding in description.disagreements(exchange, asked_rightly=False)
    }
    assert recorder.exchanges, "nothing was asked"
    return sorted(each for each in result if not any(part in each for part in expected))
