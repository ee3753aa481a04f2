"""How Stripe refuses: the error object and the refusals that several endpoints share."""

from typing import Any


class StripeError(Exception):
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
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.kind = kind
        self.headers = {"Stripe-Rate-Limited-Reason": reason} if reason else {}

    def body(self, request_id: str) -> dict[str, Any]:
        error = {"message": self.message, "type": self.kind}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param:
            error["param"] = self.param
        if self.status not in (401, 404) or self.code:
            error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": error}


def missing(noun: str, identifier: str, param: str = "id", status: int = 404) -> StripeError:
    return StripeError(status, f"No such {noun}: '{identifier}'", code="resource_missing", param=param)


def invalid(message: str, param: str, code: str | None = None) -> StripeError:
    return StripeError(400, message, code=code, param=param)


def rate_limited(reason: str) -> StripeError:
    return StripeError(429, "Request rate limit exceeded.", code="rate_limit", reason=reason)
