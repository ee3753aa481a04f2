"""Who may call PostHog, how often, and how it refuses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, bearer_token
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors, path_of
from gtm_platform.sandbox.kit.limits import Limit, Rate, wait_seconds, window_time

TOKEN = "phx_sandbox"

DOCUMENTED: Mapping[str, Rate] = {
    "query burst": Rate(240, 60),
    "query sustained": Rate(2400, 3600),
    "analytics burst": Rate(240, 60),
    "analytics sustained": Rate(1200, 3600),
    "other burst": Rate(480, 60),
    "other sustained": Rate(4800, 3600),
}
_ANALYTICS = ("persons", "events", "cohorts")


@dataclass
class Limits:
    """How much of each limit is left."""

    rates: Mapping[str, Rate] = field(default_factory=lambda: DOCUMENTED)
    now: Callable[[], float] = window_time

    def __post_init__(self) -> None:
        self._limits = {name: Limit(*rate, self.now) for name, rate in self.rates.items()}

    def of(self, request: Request) -> dict[str, Limit]:
        """The two limits that a request counts against."""
        steps = path_of(request).split("/")
        kind = "query" if "query" in steps else "analytics" if set(steps) & set(_ANALYTICS) else "other"
        return {name: limit for name, limit in self._limits.items() if name.startswith(kind)}


class PostHogError(ApiError):
    """A refusal in PostHog's shape; its `code` holds type and code, apart from each other by a slash."""

    def body(self, request_number: int) -> dict[str, str | None]:  # noqa: ARG002
        """Type, code, what is wrong, and the parameter that it is about."""
        kind, _, code = (self.code or "").partition("/")
        return {"type": kind, "code": code, "detail": self.message, "attr": self.field}


class PostHogErrors(Errors):
    """The kit's refusals in PostHog's words."""

    def __init__(self) -> None:
        super().__init__(PostHogError)

    def unauthorized(self, key: str) -> ApiError:
        """A missing or a wrong key."""
        if not key:
            detail, code = "Authentication credentials were not provided.", "authentication_error/not_authenticated"
        else:
            detail = "Personal API key found in request Authorization header is invalid."
            code = "authentication_error/authentication_failed"
        return self.error(401, detail, code=code)

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """One call too many. Whether Retry-After comes is not established: there is none, only the sentence."""
        detail = f"Request was throttled. Expected available in {wait_seconds(limit)} seconds."
        return self.error(429, detail, code="throttled_error/throttled")

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return invalid(problem.message, problem.field)

    def unknown_path(self, request: Request) -> ApiError:  # noqa: ARG002
        """No such address."""
        return not_found()


def invalid(detail: str, attr: str | None = None) -> PostHogError:
    """What cannot be understood. The codes of wrong queries are not established: they all have this one."""
    return PostHogError(400, detail, code="validation_error/invalid_input", field=attr)


def not_found() -> PostHogError:
    """No such record, project or address."""
    return PostHogError(404, "Not found.", code="invalid_request/not_found")


def api(limits: Limits) -> Api:
    """PostHog's key, limits and errors around the handlers."""
    return Api(Authentication(TOKEN, (bearer_token,)), PostHogErrors(), limits.of)
