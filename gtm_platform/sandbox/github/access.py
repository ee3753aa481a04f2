"""Who may call GitHub, how often, and how it refuses: a limit that is used up is a 403 whose headers give it away."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, bearer_token
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors, path_of
from gtm_platform.sandbox.kit.limits import Limit, Rate, RateHeaders

TOKEN = "github_pat_sandbox0123456789"
DOCUMENTED: Mapping[str, Rate] = {
    "core": Rate(5000, 3600),
    "search": Rate(30, 60),
    "code_search": Rate(10, 60),
    "graphql": Rate(5000, 3600),
}
_HEADERS = RateHeaders("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


@dataclass
class Limits:
    """How many calls of each kind are left."""

    by_resource: Mapping[str, Limit] = field(
        default_factory=lambda: {name: Limit(*rate) for name, rate in DOCUMENTED.items()}
    )

    def of(self, request: Request) -> tuple[str, Limit]:
        """The kind of a call, and its limit."""
        path = path_of(request)
        special = {"/search/code": "code_search", "/graphql": "graphql"}
        name = special.get(path) or ("search" if path.startswith("/search/") else "core")
        return name, self.by_resource[name]


class GitHubError(ApiError):
    """A refusal in GitHub's shape."""

    def body(self, request_number: int) -> dict[str, Any]:  # noqa: ARG002
        """Message, where it is documented, and the status once more."""
        body: dict[str, Any] = {"message": self.message, "documentation_url": "https://docs.github.com/rest"}
        if self.field:
            body["errors"] = [{"resource": "Search", "field": self.field, "code": self.code or "invalid"}]
        return {**body, "status": str(self.status)}


class GitHubErrors(Errors):
    """The kit's refusals in GitHub's words."""

    def __init__(self) -> None:
        super().__init__(GitHubError)

    def unauthorized(self, key: str) -> ApiError:
        """The token is missing or wrong."""
        return self.error(401, "Bad credentials" if key else "Requires authentication")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """One call too many; the headers say until when."""
        return self.error(403, f"API rate limit exceeded for user ID 1 ({name}).")

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return self.error(422, "Validation Failed", field=problem.field)

    def unknown_path(self, request: Request) -> ApiError:  # noqa: ARG002
        """No such address."""
        return not_found()


def not_found() -> GitHubError:
    """No such record, or no such address."""
    return GitHubError(404, "Not Found")


def api(limits: Limits) -> Api:
    """GitHub's token, limits, headers and errors around the handlers."""

    def headers(request: Request, _: int) -> Mapping[str, str]:
        name, limit = limits.of(request)
        return {**_HEADERS.of(limit), "x-ratelimit-resource": name}

    return Api(
        Authentication(TOKEN, (bearer_token,)),
        GitHubErrors(),
        limits=lambda request: dict([limits.of(request)]),
        headers=headers,
    )
