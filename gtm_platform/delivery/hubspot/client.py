"""HubSpot's contacts as this room needs them: definitions, values read, values written. Everything the SDK knows stays
in here; what comes out are plain values and the failures of `connect`.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hubspot import HubSpot
from hubspot.crm.contacts.exceptions import ApiException as ContactsRefused
from hubspot.crm.properties.exceptions import ApiException as PropertiesRefused
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from gtm_platform.accounts import require_own_account
from gtm_platform.delivery.hubspot.properties import GROUP, GROUP_LABEL, Property, option
from gtm_platform.http.client import BearerAuth
from gtm_platform.http.errors import ApiFailure, InvalidResponse, RateLimited, RetriesExhausted, Unavailable, classify
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.redaction import excerpt
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.settings import Settings
from gtm_platform.sources.hubspot.client import HubSpotClient, identity

BATCH = 100
SYSTEM, KEYS = "HubSpot", ("HUBSPOT_ACCESS_TOKEN",)
TIMEOUT = (5, 60)  # seconds to connect, to read; the SDK has none of its own
# HubSpot's own client waits so long where no Retry-After comes.
WAITS = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}
CALLS = (190, 10.2)  # in any ten seconds, and a little for those held up on their way

T = TypeVar("T")
Values = Mapping[str, str]


def batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))


class HubSpotIsOff(RuntimeError):
    """There is no token to write with."""


class DefinitionDiffers(RuntimeError):
    """A property of our name exists in HubSpot as something else."""


@dataclass(frozen=True)
class Input:
    object_id: str
    trace_id: str
    values: Values


@dataclass
class Answer:
    """What HubSpot said of a batch, by record id; a record in neither has an outcome that nobody knows."""

    kept: dict[str, Values] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


class HubSpotContacts:
    """Contacts of one portal. `check_account`, where there is one, comes before the first call and may refuse it."""

    def __init__(
        self,
        token: str,
        base_url: str,
        pace: RateLimiter,
        patience: RetryPolicy,
        check_account: Callable[[], None] | None = None,
    ) -> None:
        sdk = HubSpot(access_token=token, host=base_url, base_url=base_url, retry=Retry(total=0, redirect=False))
        self._batches = sdk.crm.contacts.batch_api
        self._definitions = sdk.crm.properties.core_api
        self._groups = sdk.crm.properties.groups_api
        self._url, self._pace, self._patience = base_url, pace, patience
        self._check_account = check_account

    @classmethod
    def of(cls, settings: Settings) -> "HubSpotContacts":
        """As the environment says."""
        if settings.hubspot_access_token is None:
            raise HubSpotIsOff("HubSpot is off: set HUBSPOT_ACCESS_TOKEN.")
        key = BearerAuth(settings.hubspot_access_token).secret  # checked: a bad header is quoted in its error

        def check_account() -> None:
            with closing(HubSpotClient(key, settings.hubspot_base_url)) as client:
                require_own_account(identity(client))

        limiter = RateLimiter.within(*CALLS)
        return cls(key.get_secret_value(), settings.hubspot_base_url, limiter, RetryPolicy(), check_account)

    def define(self, properties: Collection[Property], used: Callable[[Property], Iterable[str]]) -> None:
        """Makes sure that the properties exist, with the options in use; what people added to them stays."""
        there = {one.name: one for one in self._call("GET", "/crm/v3/properties/contacts", self._all).results}
        known = [property for property in properties if property.name in there]
        for property in known:
            self._check(property, there[property.name])
        for property in known:
            self._add_options(property, there[property.name].options, used(property))
        missing = [property for property in properties if property.name not in there]
        if missing:
            self._ensure_group()
        for property in missing:
            self._create(property.definition(used(property)))

    def read(self, ids: Sequence[str], properties: Sequence[str]) -> dict[str, dict[str, str]]:
        """What HubSpot holds of up to 100 live contacts; "" is empty, and an id that is gone is missing."""
        body = {"inputs": [{"id": id} for id in ids], "properties": list(properties), "propertiesWithHistory": []}
        answer = self._call(
            "POST",
            "/crm/v3/objects/contacts/batch/read",
            lambda: self._batches.read(body, archived=False, _request_timeout=TIMEOUT),
        )
        asked = set(ids)  # what was merged comes back under the winner's id
        return {
            record.id: {name: record.properties.get(name) or "" for name in properties}
            for record in answer.results
            if record.id in asked and not record.archived
        }

    def update(self, inputs: Sequence[Input]) -> Answer:
        """Writes up to 100 contacts. Raises where HubSpot refuses all of them, for the sake of one or not."""
        body = {
            "inputs": [
                {"id": one.object_id, "objectWriteTraceId": one.trace_id, "properties": dict(one.values)}
                for one in inputs
            ]
        }
        said = self._call(
            "POST",
            "/crm/v3/objects/contacts/batch/update",
            lambda: self._batches.update(body, _request_timeout=TIMEOUT),
        )
        answer = Answer(kept={record.id: record.properties or {} for record in said.results})
        traced = {one.trace_id: one.object_id for one in inputs}
        for error in getattr(said, "errors", None) or []:
            context, reason = error.context or {}, excerpt(error.message or "HubSpot did not say why.")
            traces = [traced[trace] for trace in context.get("objectWriteTraceId", []) if trace in traced]
            answer.refused |= dict.fromkeys([*context.get("ids", []), *context.get("id", []), *traces], reason)
        return answer

    def _all(self) -> Any:
        return self._definitions.get_all("contacts", archived=False, _request_timeout=TIMEOUT)

    def _ensure_group(self) -> None:
        path = "/crm/v3/properties/contacts/groups"
        groups = self._call("GET", path, lambda: self._groups.get_all("contacts", _request_timeout=TIMEOUT))
        if GROUP not in {group.name for group in groups.results}:
            wanted = {"name": GROUP, "label": GROUP_LABEL, "displayOrder": -1}
            self._call("POST", path, lambda: self._groups.create("contacts", wanted, _request_timeout=TIMEOUT))

    def _create(self, definition: dict[str, Any]) -> None:
        def create() -> Any:
            return self._definitions.create("contacts", definition, _request_timeout=TIMEOUT)

        self._call("POST", "/crm/v3/properties/contacts", create)

    def _add_options(self, property: Property, options: Sequence[Any], used: Iterable[str]) -> None:
        known = {one.value for one in options}
        missing = [value for value in dict.fromkeys([*property.options, *used]) if value not in known]
        if not missing:
            return
        # A change of options replaces them all: those that exist are sent along.
        kept = [
            {"label": one.label, "value": one.value, "displayOrder": one.display_order, "hidden": one.hidden}
            for one in options
        ]
        added = [option(value, order) for order, value in enumerate(missing, start=len(kept))]

        def change() -> Any:
            body = {"options": kept + added}
            return self._definitions.update("contacts", property.name, body, _request_timeout=TIMEOUT)

        self._call("PATCH", f"/crm/v3/properties/contacts/{property.name}", change)

    @staticmethod
    def _check(property: Property, there: Any) -> None:
        if (there.type, there.field_type) != (property.type, property.field_type):
            raise DefinitionDiffers(
                f"HubSpot's contact property {property.name} is a {there.type} shown as {there.field_type}, not a "
                f"{property.type} shown as {property.field_type}. Nothing was written. Archive it in HubSpot, and "
                "the next run makes it anew."
            )

    def _call(self, method: str, path: str, ask: Callable[[], T]) -> T:
        if self._check_account:
            self._check_account()
            self._check_account = None

        def once() -> T:
            self._pace.acquire()
            try:
                answer = ask()
                # What the SDK cannot read it takes for an answer that lacks everything.
                if getattr(answer, "results", ()) is not None:
                    return answer
                what = f"HubSpot answered {method} {path} with nothing usable."
                failure: ApiFailure = InvalidResponse(SYSTEM, what, method=method, url=self._url + path)
            except (ContactsRefused, PropertiesRefused) as error:
                failure = self._failure(method, path, error)
            except HTTPError as error:
                what = f"HubSpot did not answer {method} {path}: {type(error.__cause__ or error).__name__}."
                failure = Unavailable(SYSTEM, what, method=method, url=self._url + path)
            if isinstance(failure, RateLimited) and failure.retry_after:
                self._pace.pause(failure.retry_after)
            raise failure

        return self._patience.call(once)

    def _failure(self, method: str, path: str, error: Any) -> ApiFailure:
        body = error.body or ""
        headers = dict(error.headers or {})
        failure = classify(SYSTEM, KEYS, error.status or 0, method, self._url + path, headers, body.encode())
        if isinstance(failure, RateLimited):
            policy = _policy(body)
            if policy == "DAILY":
                return RetriesExhausted(
                    SYSTEM, f"HubSpot's calls for today are used up. {failure.message} Run again tomorrow."
                )
            failure.retry_after = failure.retry_after or WAITS.get(policy)
        return failure


def _policy(body: str) -> str:
    try:
        return str(json.loads(body).get("policyName", ""))
    except (ValueError, AttributeError):
        return ""
