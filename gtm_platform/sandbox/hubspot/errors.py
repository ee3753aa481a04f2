"""What HubSpot answers when it refuses: one exception, shown as an error body or as one of a 207's `errors`."""

import json
from typing import Any
from uuid import uuid4

from starlette.responses import JSONResponse


class RefusedError(Exception):
    """A request, or one input of a batch, that HubSpot does not accept."""

    def __init__(self, status: int, message: str, category: str | None = "VALIDATION_ERROR", **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.category = category
        self.more = more

    def response(self) -> JSONResponse:
        body = {
            "status": "error",
            "message": self.message,
            "correlationId": str(uuid4()),
            **({"category": self.category} if self.category else {}),
            **self.more,
        }
        return JSONResponse(body, self.status)

    def entry(self, context: dict[str, list[str]]) -> dict[str, Any]:
        """This refusal as one of the errors of a multi-status answer."""
        return {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "errors": [],
            "links": {},
            **self.more,
            "context": {**self.more.get("context", {}), **context},
        }


def missing_record(singular: str, ids: list[str]) -> RefusedError:
    message = (
        f"Could not get some {singular.upper()} objects, they may be deleted or not exist. Check that ids are valid."
    )
    return RefusedError(404, message, "OBJECT_NOT_FOUND", context={"ids": ids})


def bad_values(problems: list[dict[str, str]]) -> RefusedError:
    """The older form, a JSON array inside the message, together with the newer `errors`."""
    nested = [
        {"isValid": False, "message": found["message"], "error": found["error"], "name": found["name"]}
        for found in problems
    ]
    errors = [
        {"message": found["message"], "code": found["error"], "context": {"propertyName": [found["name"]]}}
        for found in problems
    ]
    text = json.dumps(nested, separators=(",", ":"))
    return RefusedError(400, f"Property values were not valid: {text}", errors=errors)
