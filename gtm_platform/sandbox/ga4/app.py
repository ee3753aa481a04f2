"""The emulator's addresses, and what each answers. All figures are texts; a report without rows has no `rows`."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from gtm_platform.sandbox.ga4.access import (
    ACCESS_TOKEN,
    CLIENT_EMAIL,
    SCOPE,
    TOKEN_LIFE,
    AnalyticsError,
    Limits,
    api,
    key_pair,
)
from gtm_platform.sandbox.ga4.store import (
    COMPANY_DIMENSION,
    COUNTED,
    DIMENSIONS,
    SUMMED,
    PageOfVisit,
    PropertyStore,
)
from gtm_platform.sandbox.kit.api import json_object

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MOST_DIMENSIONS, MOST_METRICS, MOST_ROWS, MOST_REPORTS = 9, 10, 250_000, 5
SECONDS = "userEngagementDuration"


class Analytics:
    """The handlers."""

    def __init__(self, store: PropertyStore, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock

    async def token(self, request: Request) -> Response:
        """Hand out an access token for a statement that the service account signed."""
        import jwt

        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        try:
            claims = jwt.decode(
                form.get("assertion", ""), key_pair()[1], algorithms=["RS256"], audience=str(request.url)
            )
        except jwt.PyJWTError as error:
            return JSONResponse({"error": "invalid_grant", "error_description": f"Invalid JWT: {error}"}, 400)
        if form.get("grant_type") != GRANT or (claims["iss"], claims["scope"]) != (CLIENT_EMAIL, SCOPE):
            return JSONResponse({"error": "invalid_grant", "error_description": "Invalid grant"}, 400)
        return JSONResponse({"access_token": ACCESS_TOKEN, "expires_in": TOKEN_LIFE, "token_type": "Bearer"})

    async def act(self, request: Request) -> Any:
        """Run a report, or several."""
        property_id, _, action = request.path_params["action"].partition(":")
        self._check_property(property_id)
        body = await json_object(request)
        if action == "runReport":
            return self._report(body)
        if action != "batchRunReports":
            raise AnalyticsError(404, f"Method {action} not found.")
        requests = body.get("requests") or []
        if len(requests) > MOST_REPORTS:
            raise AnalyticsError(400, f"A batch holds at most {MOST_REPORTS} requests.")
        return {"kind": "analyticsData#batchRunReports", "reports": [self._report(each) for each in requests]}

    async def metadata(self, request: Request) -> Any:
        """The dimensions and metrics of the property."""
        self._check_property(request.path_params["property_id"])
        dimensions = [
            {"apiName": name, "uiName": name, "category": "Session", "customDefinition": name == COMPANY_DIMENSION}
            for name in DIMENSIONS
        ]
        metrics = [{"apiName": name, "uiName": name, "type": _type(name)} for name in (*COUNTED, *SUMMED)]
        name = f"properties/{self._store.property_id}/metadata"
        return {"name": name, "dimensions": dimensions, "metrics": metrics}

    def _check_property(self, property_id: str) -> None:
        if property_id != self._store.property_id:
            raise AnalyticsError(403, "User does not have sufficient permissions for this property.")

    def _report(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        dimensions, metrics = _names(sent, "dimensions"), _names(sent, "metrics")
        _check_fields(dimensions, metrics)
        first, last = self._days(sent)
        groups: dict[tuple[str, ...], list[PageOfVisit]] = {}
        for row in self._store.rows(first, last, self._clock()):
            groups.setdefault(tuple(DIMENSIONS[name](row) for name in dimensions), []).append(row)
        limit, offset = _whole(sent, "limit", 10_000), _whole(sent, "offset", 0)
        listed = sorted(groups.items())[offset : offset + min(limit, MOST_ROWS)]
        answer: dict[str, Any] = {
            "dimensionHeaders": [{"name": name} for name in dimensions],
            "metricHeaders": [{"name": name, "type": _type(name)} for name in metrics],
            "metadata": {"currencyCode": "USD", "timeZone": "Etc/UTC"},
            "kind": "analyticsData#runReport",
        }
        if listed:
            answer["rows"] = [_row(values, rows, metrics) for values, rows in listed]
        if groups:
            answer["rowCount"] = len(groups)
        return answer

    def _days(self, sent: Mapping[str, Any]) -> tuple[date, date]:
        ranges = sent.get("dateRanges") or []
        if len(ranges) != 1:
            raise AnalyticsError(400, "The sandbox knows reports over one date range.")
        first, last = (self._day(str(ranges[0].get(name))) for name in ("startDate", "endDate"))
        if first > last:
            raise AnalyticsError(400, "startDate must not be after endDate.")
        return first, last

    def _day(self, text: str) -> date:
        today = self._clock().date()
        if text in ("today", "yesterday"):
            return today - timedelta(days=text == "yesterday")
        if text.endswith("daysAgo") and text.removesuffix("daysAgo").isdigit():
            return today - timedelta(days=int(text.removesuffix("daysAgo")))
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise AnalyticsError(400, f"{text} is not a date.") from None


def _names(sent: Mapping[str, Any], name: str) -> list[str]:
    return [str(each.get("name")) for each in sent.get(name) or []]


def _check_fields(dimensions: Sequence[str], metrics: Sequence[str]) -> None:
    for name in dimensions:
        if name not in DIMENSIONS:
            raise AnalyticsError(400, f"Field {name} is not a valid dimension.")
    for name in metrics:
        if name not in COUNTED and name not in SUMMED:
            raise AnalyticsError(400, f"Field {name} is not a valid metric.")
    if len(dimensions) > MOST_DIMENSIONS or not 1 <= len(metrics) <= MOST_METRICS:
        raise AnalyticsError(400, f"At most {MOST_DIMENSIONS} dimensions and {MOST_METRICS} metrics are allowed.")


def _whole(sent: Mapping[str, Any], name: str, default: int) -> int:
    text = str(sent.get(name, default))
    if not text.isdigit():
        raise AnalyticsError(400, f"{name} must be a whole number.")
    return int(text)


def _row(values: Sequence[str], rows: Sequence[PageOfVisit], metrics: Sequence[str]) -> dict[str, Any]:
    figures = [{"value": str(_figure(name, rows))} for name in metrics]
    return {"dimensionValues": [{"value": value} for value in values], "metricValues": figures}


def _figure(name: str, rows: Sequence[PageOfVisit]) -> int:
    if name in SUMMED:
        return sum(map(SUMMED[name], rows))
    return len({row.visit.id for row in rows if COUNTED[name](row)})


def _type(metric: str) -> str:
    return "TYPE_SECONDS" if metric == SECONDS else "TYPE_INTEGER"


def app(store: PropertyStore, clock: Callable[[], datetime], limits: Limits | None = None) -> Starlette:
    """The Google Analytics Data API on this store."""
    analytics = Analytics(store, clock)
    data = api(limits or Limits()).app(
        (
            ("POST", "/{action}", analytics.act),
            ("GET", "/{property_id}/metadata", analytics.metadata),
        )
    )
    return Starlette(routes=[Route("/token", analytics.token, methods=["POST"]), Mount("/v1beta/properties", data)])
