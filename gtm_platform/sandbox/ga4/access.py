"""Who may call Google Analytics, how often, and how it refuses."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, bearer_token
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors
from gtm_platform.sandbox.kit.limits import Limit, Rate

CLIENT_EMAIL = "gtm@sandbox.iam.gserviceaccount.example"
SCOPE = "https://www.googleapis.com/auth/analytics.readonly"
ACCESS_TOKEN, TOKEN_LIFE = "ya29.sandbox", 3_599

# Tokens of a property that a project may use in an hour, at ten to a report.
DOCUMENTED: Mapping[str, Rate] = {"tokens": Rate(1_400, 3_600)}
STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED"}


@dataclass
class Limits:
    """How many reports are left."""

    tokens: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["tokens"]))


@cache
def key_pair() -> tuple[str, str]:
    """Return the service account's private and public key, made once in this process."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def service_account() -> str:
    """Return the service account's key as Google hands it out."""
    account = {
        "type": "service_account",
        "project_id": "sandbox",
        "private_key_id": "sandbox-1",
        "private_key": key_pair()[0],
        "client_email": CLIENT_EMAIL,
    }
    return json.dumps(account)


class AnalyticsError(ApiError):
    """A refusal in Google's shape."""

    def body(self, request_number: int) -> dict[str, Any]:  # noqa: ARG002
        """Code, message and status."""
        status = STATUSES.get(self.status, "NOT_FOUND")
        return {"error": {"code": self.status, "message": self.message, "status": status}}


class AnalyticsErrors(Errors):
    """The kit's refusals in Google's words."""

    def __init__(self) -> None:
        super().__init__(AnalyticsError)

    def unauthorized(self, key: str) -> ApiError:  # noqa: ARG002
        """An access token that is missing or wrong."""
        return self.error(401, "Request had invalid authentication credentials.")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """The tokens of the hour are used up; how long to wait is not told."""
        message = "Exhausted property tokens per project per hour. These quota tokens will return in under an hour."
        return self.error(429, message)

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return self.error(400, f"{problem.field}: {problem.message}")


def is_report(request: Request) -> bool:
    """Whether a request uses tokens."""
    return request.method == "POST"


def api(limits: Limits) -> Api:
    """Google's tokens, quota and errors around the handlers."""
    authentication = Authentication(ACCESS_TOKEN, (bearer_token,))
    return Api(
        authentication,
        AnalyticsErrors(),
        limits=lambda request: {"tokens": limits.tokens} if is_report(request) else {},
    )
