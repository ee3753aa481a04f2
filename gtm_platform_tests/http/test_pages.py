import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtm_platform.http.errors import InvalidResponse
from gtm_platform.http.pages import expect_json, expect_list, get_path, get_path_or_none, repair_json, rows, with_fields

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(records=st.lists(JSON, max_size=5), escaped=st.booleans())
def test_rows_are_the_records_as_they_came(records: list[Any], escaped: bool) -> None:
    body = json.dumps({"object": "list", "data": records}, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    assert [json.loads(row) for row in rows(body)] == records


@given(record=JSON)
def test_mending_what_is_whole_changes_nothing(record: Any) -> None:
    text = json.dumps(record).encode()
    assert json.loads(repair_json(text)) == record


def test_rows_at_the_top_and_deeper() -> None:
    assert rows(b' [1, {"a": 2}] ', "") == [b"1", b'{"a": 2}']
    assert rows(b'{"a":{"b":[1]}}', "a.b") == [b"1"]
    assert rows(b'{"data":null}') == []


def test_the_bytes_of_a_record_are_kept() -> None:
    assert rows(b'{"data":[{"n": 1.10, "big": 123456789012345678901234567890}]}') == [
        b'{"n": 1.10, "big": 123456789012345678901234567890}'
    ]


@pytest.mark.parametrize(
    ("body", "row"),
    [
        (b'\xef\xbb\xbf{"data":[1]}', b"1"),
        ('{"data":["é"]}'.encode("utf-16"), '"é"'.encode()),
        (b'{"data":[NaN]}', b"null"),
        (b'{"data":[{"a":-Infinity,"b":"NaN \\" Infinity"}]}', b'{"a":null,"b":"NaN \\" Infinity"}'),
        (b'{"data":["\\ud800"]}', b'"\\ufffd"'),
        (b'{"data":["\\udc00 \\ud83d\\ude00 \\\\ud800"]}', b'"\\ufffd \\ud83d\\ude00 \\\\ud800"'),
    ],
)
def test_almost_json_is_mended(body: bytes, row: bytes) -> None:
    assert rows(body) == [row]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>Bad Gateway sk_live_canary", "It begins: <html>Bad Gateway ***"),
        (b"", "is empty"),
        (b'{"data":[{"email":"canary', "cut short"),
        (b'{"data":{"name":"canary"}}', "of another shape"),
        (b'{"rows":["canary"]}', "no list of records under 'data'"),
        (b'["canary"]', "of another shape"),
        (b'{"data":[' + b"[" * 100_000, "cut short"),
    ],
)
def test_what_is_not_the_json_expected_is_a_bad_answer_that_shows_no_record(body: bytes, message: str) -> None:
    with pytest.raises(InvalidResponse, match=r"^The answer") as caught:
        rows(body)
    assert message in str(caught.value)
    assert "canary" not in str(caught.value)


def test_digging() -> None:
    body = b'{"pages":{"next":{"starting_after":"x"},"total":3},"paging":null,"data":[1]}'
    assert get_path(body, "pages", "next", "starting_after") == "x"
    assert get_path(body, "pages", "total") == 3
    assert get_path(body, "paging", "next", "after") is None
    assert get_path(body, "pages", "previous", "cursor") is None
    with pytest.raises(InvalidResponse):
        get_path(body, "data", "next")


def test_a_well_formed_body_is_the_body_itself() -> None:
    body = b'{"a": 1}'
    assert expect_json(body) is body
    with pytest.raises(InvalidResponse):
        expect_json(b'{"a": 1} {')


def test_a_member_is_put_into_a_record_and_the_rest_kept_as_it_was() -> None:
    assert with_fields(b'{"id": 1.10, "price": null}', price={"id": "p"}) == b'{"id":1.10,"price":{"id":"p"}}'


@pytest.mark.parametrize("raw", [b"null", b"7", b"[1]", b'{"id":'])
def test_nothing_is_put_into_what_is_no_record(raw: bytes) -> None:
    assert with_fields(raw, price=1) == raw


def test_a_listing_is_checked_for_its_list() -> None:
    assert expect_list("results")(b'\xef\xbb\xbf{"results":[1]}') == b'{"results":[1]}'
    with pytest.raises(InvalidResponse, match="no list of records under 'results'"):
        expect_list("results")(b'{"data":[1]}')


@pytest.mark.parametrize(
    "raw", [b"null", b"7", b'{"customer":"cus_1"}', b'{"customer":null}', b'{"customer":[1]}', b"{"]
)
def test_a_glance_at_what_is_not_there_sees_nothing(raw: bytes) -> None:
    assert get_path_or_none(raw, "customer", "id") is None
    assert get_path_or_none(b'{"customer":{"id":"cus_1"}}', "customer", "id") == "cus_1"
