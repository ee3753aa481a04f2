"""What errors may say where Dagster keeps their text."""

import pytest

from gtm_platform.http.errors import BadRequest
from gtm_platform.http.redaction import redact_exceptions

KEY = "pat-na1-" + "0123456789abcdef"


def sentences(error: BaseException | None) -> list[str]:
    """By the error and those that it came from."""
    return [str(error), *sentences(error.__cause__ or error.__context__)] if error else []


def test_libraries_quote_values_and_these_go() -> None:
    with pytest.raises(ValueError, match="convert") as raised, redact_exceptions():
        raise ValueError(f"could not convert 'Jane Doe' or \"Jim\" <jane@acme.example> with {KEY}")
    assert str(raised.value) == "could not convert '***' or '***' <***@***> with ***"


def test_our_own_sentences_keep_what_they_name() -> None:
    with pytest.raises(BadRequest) as raised, redact_exceptions():
        raise BadRequest("Stripe", "The stream 'charges' of jane@acme.example is refused.")
    assert str(raised.value) == "The stream 'charges' of ***@*** is refused."


def test_also_what_an_error_came_from() -> None:
    @redact_exceptions()
    def fail() -> None:
        try:
            raise LookupError("jane@acme.example") from TypeError("no 'Jane Doe'")
        except LookupError:
            raise RuntimeError(f"no {KEY}")  # noqa: B904  it comes with its context

    with pytest.raises(RuntimeError) as raised:
        fail()
    assert sentences(raised.value) == ["no ***", "***@***", "no '***'"]


def test_errors_that_came_from_each_other_end() -> None:
    first, second = ValueError("'a'"), ValueError("'b'")
    first.__cause__, second.__cause__ = second, first
    with pytest.raises(ValueError, match=r"\*\*\*"), redact_exceptions():
        raise first
    assert str(second) == "'***'"


def test_what_goes_well_goes_on() -> None:
    assert redact_exceptions()(lambda: "'well'")() == "'well'"
