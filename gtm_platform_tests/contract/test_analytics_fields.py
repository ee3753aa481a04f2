"""What is asked of Google Analytics and what its emulator answers, against the fields that Google describes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount

from gtm_platform.sandbox.ga4 import app, service_account
from gtm_platform.sandbox.ga4.store import COMPANY_DIMENSION, PropertyStore
from gtm_platform.sandbox.world.world import World
from gtm_platform.sources.ga4.client import SCOPE, Analytics, connect
from gtm_platform.sources.ga4.settings import Ga4Settings
from gtm_platform.sources.ga4.streams import PAGES, TRAFFIC, company_visits
from gtm_platform_tests.contract.places import SPECS
from gtm_platform_tests.contract.recorder import Recorder, parsed, served

FILE = SPECS / "web_analytics/analyticsdata.v1beta.reduced.json"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="Google's description is not beside this repository")
START = datetime(2026, 3, 2, tzinfo=UTC)
KINDS = {"string": str, "integer": int, "boolean": bool, "number": (int, float)}


@cache
def described() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(FILE.read_text())
    return document


def faults(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    """What a value has that the description does not know, or knows otherwise; int64 may travel as a text."""
    if "$ref" in schema:
        schema = described()["schemas"][schema["$ref"]]
    kind = schema.get("type")
    if kind == "object" and isinstance(value, dict):
        properties = schema.get("properties", {})
        yield from (f"{path}.{name} is unknown" for name in value if name not in properties)
        for name in value.keys() & properties.keys():
            yield from faults(value[name], properties[name], f"{path}.{name}")
    elif kind == "array" and isinstance(value, list):
        for each in value:
            yield from faults(each, schema["items"], f"{path}[]")
    elif kind not in KINDS or not isinstance(value, KINDS[kind]):
        yield f"{path} is a {type(value).__name__} and not a {kind}"


def test_requests_and_answers_have_the_fields_that_google_describes() -> None:
    store = PropertyStore(World(3, 60, START).market, "300000003")
    recorder = Recorder(Starlette(routes=[Mount("/ga4", app(store, lambda: START))]))
    with served(recorder) as url:
        settings = Ga4Settings(
            ga4_service_account_json=SecretStr(service_account()),
            ga4_property_id=store.property_id,
            ga4_base_url=f"{url}/ga4",
            ga4_token_url=f"{url}/ga4/token",
            ga4_company_dimension=COMPANY_DIMENSION,
        )
        with connect(settings) as client:
            _read_all(client)
    reports = [each for each in recorder.exchanges if each.path.endswith(":runReport")]
    assert len(reports) >= 3
    for exchange in reports:
        request, answer = parsed(exchange.body), parsed(exchange.answer)
        assert list(faults(request, {"$ref": "RunReportRequest"}, "request")) == []
        assert list(faults(answer, {"$ref": "RunReportResponse"}, "answer")) == []


def _read_all(client: Analytics) -> None:
    by_company = company_visits(client)
    assert by_company is not None
    for report in (TRAFFIC, PAGES, by_company):
        assert list(client.pages(report, START.date() - timedelta(days=90), START.date()))


def test_scope_and_address_are_those_of_the_description() -> None:
    assert SCOPE in described()["auth"]["oauth2"]["scopes"]
    methods = described()["resources"]["properties"]["methods"]
    assert methods["runReport"]["path"] == "v1beta/{+property}:runReport"
    assert Ga4Settings().ga4_base_url == described()["rootUrl"].rstrip("/")
    assert httpx.URL(described()["rootUrl"]).host == "analyticsdata.googleapis.com"
