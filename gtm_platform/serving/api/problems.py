"""Errors as `application/problem+json`: a sentence each, and nothing of what was sent."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gtm_platform.keyring import KeyProblem
from gtm_platform.serving.problem_answer import MEDIA_TYPE, problem
from gtm_platform.serving.store import BadQuery, NoSnapshot

RETRY_SECONDS = "30"


class ProblemDetails(BaseModel):
    """What is wrong with a request, by RFC 9457."""

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What is wrong, and what to do.")
    errors: list[str] = Field(default=[], description="What is wrong with each parameter.")


class Problem(Exception):
    """An answer that is an error."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "description": about, "content": {MEDIA_TYPE: {}}}
    for status, about in {
        400: "The cursor is of another list, or a value makes no sense.",
        401: "There is no token, or it cannot be used.",
        403: "The token lacks a scope.",
        404: "There is no such thing.",
        422: "A parameter is unknown or not what it has to be.",
        429: "More requests than the token may make.",
        503: "There is no snapshot yet.",
    }.items()
}


def install(app: FastAPI) -> None:
    """Let every error of the app be answered by a sentence."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(BadQuery, lambda _, error: problem(HTTPStatus.BAD_REQUEST, str(error)))
    app.add_exception_handler(NoSnapshot, _on_no_snapshot)
    app.add_exception_handler(KeyProblem, lambda _, error: problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error)))
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_failure)


def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem(error.status, error.detail, error.headers)


def _on_no_snapshot(_: Request, __: Exception) -> Response:
    detail = "There is nothing to serve yet: the daily tables have not been made since this version came."
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": RETRY_SECONDS})


def _on_invalid(_: Request, error: Exception) -> Response:
    """Say which parameter is wrong: its name only where it is a declared one, never its value."""
    assert isinstance(error, RequestValidationError)
    errors = list(dict.fromkeys(_fault(fault) for fault in error.errors()))
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not what this endpoint takes.", errors=errors)


def _fault(fault: Mapping[str, Any]) -> str:
    place, *path = fault["loc"]
    if fault["type"] == "extra_forbidden":
        return f"{place}: there is a parameter that this endpoint does not take."
    if fault["type"] == "json_invalid" or not path or not isinstance(path[0], str):
        return f"{place}: not what it has to be."
    return f"{place} {path[0]}: {fault['msg']}."


def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    sentences = {
        HTTPStatus.NOT_FOUND: "There is no such address; /openapi.json lists those that there are.",
        HTTPStatus.METHOD_NOT_ALLOWED: "The address does not take this method; /openapi.json lists what it takes.",
    }
    return problem(status, sentences.get(status, f"{status.phrase}."), error.headers)


def _on_failure(_: Request, __: Exception) -> Response:
    detail = "Something went wrong here; the log of the server says what. Nothing was changed."
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
