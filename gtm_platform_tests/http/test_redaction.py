"""What errors may say where Dagster keeps their text."""

import math

import pytest

from gtm_platform.http.errors import BadRequest
from gtm_platform.http.redaction import masked, redact_exceptions

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


def test_the_keys_of_the_environment_go_whatever_their_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORB_API_KEY", "of no shape")
    monkeypatch.setenv("FATHOM_API_KEYS", "first-of-two,second-of-two")
    assert masked("It was of no shape, second-of-two and first-of-two.") == "It was ***, *** and ***."
    monkeypatch.setenv("ORB_API_KEY", "short")
    assert masked("of no shape, short") == "of no shape, short"


class Deal:
    def close(self, *, day: str) -> None: ...


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        ("Deal().amonut", "'Deal' object has no attribute 'amonut'"),
        ("Deal.amonut", "type object 'Deal' has no attribute 'amonut'"),
        ("math.sine", "module 'math' has no attribute 'sine'"),
        ("Deal().close(day='Jane Doe', on=1)", "Deal.close() got an unexpected keyword argument 'on'"),
        ("Deal().close()", "Deal.close() missing 1 required keyword-only argument: 'day'"),
        ("1 + 'Jane Doe'", "unsupported operand type(s) for +: 'int' and 'str'"),
        ("'Jane' < 1", "'<' not supported between instances of 'str' and 'int'"),
        ("amonut", "name 'amonut' is not defined"),
        ("__import__('pandsa')", "No module named 'pandsa'"),
        ("int('Jane')", "invalid literal for int() with base 10: '***'"),
        ("Deal(**{'Jane Doe': 1})", "Deal() takes no arguments"),
        ("getattr(Deal(), 'Jane Doe')", "'Deal' object has no attribute '***'"),
    ],
)
def test_mistakes_in_code_name_what_is_wrong_and_no_value(mistake: str, sentence: str) -> None:
    with pytest.raises((AttributeError, ImportError, NameError, TypeError, ValueError)) as raised, redact_exceptions():
        eval(mistake, {"Deal": Deal, "math": math})
    assert str(raised.value) == sentence


def test_an_error_about_types_still_hides_values() -> None:
    with pytest.raises(TypeError) as raised, redact_exceptions():
        raise TypeError("'Jane' and \"Jim\" are no names for 'Dana Kim' or the value 'Lee'")
    assert str(raised.value) == "'***' and '***' are no names for '***' or the value '***'"


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
