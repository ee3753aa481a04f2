"""How Stripe refuses: its error object, the refusals that several endpoints share, and when a retry is worth it."""

import re
from collections.abc import Collection
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors, path_of
from gtm_platform.sandbox.kit.limits import Limit

SHOULD_RETRY = "Stripe-Should-Retry"
RETRIED_LATER = frozenset(("idempotency_key_in_use", "lock_timeout"))
"""Refusals that pass by themselves: another call is still at work on the same key or object."""


class StripeError(ApiError):
    """A refusal that tells clients whether to retry, except at a rate limit, where they decide."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
        reason: str | None = None,
    ) -> None:
        super().__init__(status, message, code=code, field=param)
        self.kind = kind
        if reason:
            self.headers["Stripe-Rate-Limited-Reason"] = reason
        else:
            self.headers[SHOULD_RETRY] = "true" if code in RETRIED_LATER else "false"

    def body(self, request_number: int) -> dict[str, Any]:
        """Stripe's error object."""
        error = {"message": self.message, "type": self.kind}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.field:
            error["param"] = self.field
        if self.status not in (401, 404) or self.code:
            error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id(request_number)}"
        return {"error": error}


class StripeErrors(Errors):
    """The refusals around every endpoint, in Stripe's words."""

    def __init__(self) -> None:
        super().__init__(StripeError)

    def unauthorized(self, key: str) -> StripeError:
        """No key, or a wrong one."""
        return StripeError(401, f"Invalid API Key provided: {masked(key)}" if key else _NO_KEY)

    def too_many_calls(self, name: str, _: Limit) -> StripeError:
        """One call more than the limit allows; its name is the reason."""
        return StripeError(429, "Request rate limit exceeded.", code="rate_limit", reason=name)

    def bad_parameter(self, problem: BadParameterError) -> StripeError:
        """A parameter that cannot be read."""
        return invalid(problem.message, problem.field)

    def unknown_path(self, request: Request) -> StripeError:
        """No such address."""
        return unknown_url(request)


def request_id(number: int) -> str:
    """The id that a request has in headers and logs."""
    return f"req_{number:014d}"


def missing(noun: str, identifier: str, param: str = "id", status: int = 404) -> StripeError:
    """No object has this id."""
    return StripeError(status, f"No such {noun}: '{identifier}'", code="resource_missing", param=param)


def invalid(message: str, param: str, code: str | None = None) -> StripeError:
    """A parameter has a value that Stripe does not take."""
    return StripeError(400, message, code=code, param=param)


def required(param: str) -> StripeError:
    """A parameter is left out that Stripe needs."""
    return invalid(f"Missing required param: {param}.", param, code="parameter_missing")


def exclusive(names: Collection[str]) -> StripeError:
    """Several parameters came of which only one can hold."""
    if "starting_after" in names:
        return StripeError(400, "Received both starting_after and ending_before parameters. Please pass in only one.")
    return StripeError(400, f"You may only specify one of these parameters: {', '.join(sorted(names))}.")


def unknown_url(request: Request) -> StripeError:
    """No such address, or none with this method."""
    operation = f"{request.method}: {path_of(request)}"
    return StripeError(404, f"Unrecognized request URL ({operation}). Please see https://stripe.com/docs.")


def masked(key: str) -> str:
    """`sk_test_******7890`: the kind of key and its last four characters."""
    prefix = re.match(r"[a-z]+_(test|live)_", key)
    kind = prefix[0] if prefix else ""
    secret = key.removeprefix(kind)
    ending = secret[-4:] if len(secret) > 8 else ""
    return kind + "*" * max(len(secret) - len(ending), 3) + ending


_NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, "
    "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
)
