"""An error as `application/problem+json`. Webhooks are received without what the API imports."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


def problem(
    status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None, errors: Sequence[str] = ()
) -> Response:
    """Return an answer that is an error."""
    content: dict[str, Any] = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    if errors:
        content["errors"] = list(errors)
    common = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(content), status.value, {**common, **(headers or {})}, MEDIA_TYPE)
