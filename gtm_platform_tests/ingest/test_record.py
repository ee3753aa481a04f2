import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gtm_platform.ingest.record import (
    Amount,
    Id,
    Instant,
    MaybeAmount,
    MaybeBool,
    MaybeInstant,
    MaybeInt,
    MaybeText,
    Reader,
    Record,
    Whole,
    at,
    either,
    fact,
    unusable,
    with_columns,
    with_facts,
)


class Contact(Record):
    id: Id = at("id", default=...)
    email: MaybeText = at("properties", "email", personal=True)
    visits: MaybeInt = at("properties", "visits")
    value: MaybeAmount = at("properties", "value")
    customer: MaybeBool = at("properties", "customer")
    changed: MaybeInstant = at("properties", "changed")
    first_tag: str | None = at("tags", 0, "name")


READER = Reader(Contact)


def raw(**properties: Any) -> bytes:
    return json.dumps({"id": 7, "properties": properties}).encode()


def read(**properties: Any) -> Contact:
    good, _, rejected = READER.read([raw(**properties)])
    assert not rejected, rejected[0].reason
    return good[0]


def test_a_record_of_texts_becomes_typed() -> None:
    found = read(email="ann@toy.example", visits="12", value="12.5", customer="true", changed="1711234567890")
    assert found == Contact(
        id="7",
        email="ann@toy.example",
        visits=12,
        value=Decimal("12.500000"),
        customer=True,
        changed=datetime(2024, 3, 23, 22, 56, 7, 890000, tzinfo=UTC),
    )


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_blanks_are_nothing(blank: str | None) -> None:
    names = ("email", "visits", "value", "customer", "changed")
    assert read(**dict.fromkeys(names, blank)) == Contact(id="7")


def test_fields_are_found_by_their_paths_only() -> None:
    body = b'{"id":"1","email":"top@toy.example","tags":[{"name":"vip"}],"properties":null}'
    good, _, _ = READER.read([body])
    assert good == [Contact(id="1", first_tag="vip")]


def test_also_when_a_neighbour_does_not_fit() -> None:
    good, _, rejected = READER.read([b'{"id":"1","email":"top@toy.example"}', b"{}"])
    assert good == [Contact(id="1")]
    assert len(rejected) == 1


@pytest.mark.parametrize(
    ("value", "amount"), [("12.5", "12.500000"), (0.1, "0.100000"), ("0.1234567", "0.123457"), (-4900, "-4900.000000")]
)
def test_amounts_have_six_places(value: Any, amount: str) -> None:
    assert str(read(value=value).value) == amount


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1711234567, "2024-03-23T22:56:07+00:00"),
        (1711234567890, "2024-03-23T22:56:07.890000+00:00"),
        ("2026-01-01T00:00:00+05:45", "2025-12-31T18:15:00+00:00"),
        ("2026-01-01T00:00:00", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01", "2026-01-01T00:00:00+00:00"),
    ],
)
def test_instants_are_utc(value: Any, moment: str) -> None:
    changed = read(changed=value).changed
    assert changed is not None
    assert changed.isoformat() == moment
    assert changed.tzinfo is UTC


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("changed", 0, "properties.changed: instant_out_of_range"),
        ("changed", 1711234567890123, "properties.changed: datetime_parsing"),
        ("changed", "0001-01-01T00:00:00+05:00", "properties.changed: instant_out_of_range"),
        ("changed", "9999-12-31T23:59:59-05:00", "properties.changed: instant_out_of_range"),
        ("changed", True, "properties.changed: datetime_type"),
        ("value", 10**18, "properties.value: amount_out_of_range"),
        ("value", "1e999999", "properties.value: amount_out_of_range"),
        ("visits", 2**63, "properties.visits: less_than_equal"),
        ("email", {"canary": 1}, "properties.email: string_type"),
    ],
)
def test_what_does_not_fit_is_set_aside_with_a_reason(name: str, value: Any, reason: str) -> None:
    bad = raw(**{name: value})
    good, raws, rejected = READER.read([raw(visits=1), bad, raw(visits=2)])
    assert [contact.visits for contact in good] == [1, 2]
    assert raws == [raw(visits=1), raw(visits=2)]
    assert [(found.raw, found.reason, found.record_id) for found in rejected] == [(bad, reason, "7")]


def test_reasons_hold_no_values() -> None:
    everything = dict.fromkeys(("visits", "value", "customer", "changed"), "canary ann@toy.example")
    _, _, (rejected,) = READER.read([raw(**everything)])
    assert "canary" not in rejected.reason
    assert "ann@" not in rejected.reason
    assert rejected.reason.endswith(" and 1 more")


def test_validation_errors_hold_no_values_either() -> None:
    with pytest.raises(ValidationError) as caught:
        Contact(id="1", visits="canary")  # type: ignore[arg-type]
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("bad_id", ["null", '""', '" "', "true", "[]", "{}"])
def test_a_record_without_id_is_set_aside(bad_id: str) -> None:
    _, _, (rejected,) = READER.read([f'{{"id":{bad_id}}}'.encode()])
    assert rejected.reason.startswith("id: ")


@pytest.mark.parametrize("bad", [b"", b"null", b"7", b'{"id":"1"', b"<html>", b'{"id":"1"},{"id":"2"}', b"[" * 100_000])
def test_what_is_no_record_at_all_is_set_aside(bad: bytes) -> None:
    good, raws, rejected = READER.read([b'{"id":"1"}', bad])
    assert [contact.id for contact in good] == ["1"]
    assert raws == [b'{"id":"1"}']
    assert [found.raw for found in rejected] == [bad]


@pytest.mark.parametrize("broken", [b'"x\\ud800"', b'"x\xff"'])
def test_half_characters_are_repaired(broken: bytes) -> None:
    page = [b'{"id":"1"}', b'{"id":"2","properties":{"email":' + broken + b"}}"]
    good, raws, rejected = READER.read(page)
    assert [contact.email for contact in good] == [None, "x\ufffd"]
    assert rejected == []
    assert json.loads(raws[1])["properties"]["email"] == "x\ufffd"


def test_not_a_number_is_nothing() -> None:
    good, raws, rejected = READER.read([b'{"id":"1","properties":{"value":NaN}}'])
    assert good == [Contact(id="1")]
    assert raws == [b'{"id":"1","properties":{"value":null}}']
    assert rejected == []


def test_an_empty_page_is_read() -> None:
    assert READER.read([]) == ([], [], [])


class Strict(Record):
    key: Id = at("a", "key", default=...)
    id: Id = at("a", "key", default=...)
    count: Whole = at("count", default=...)
    paid: Amount = at("paid", default=...)
    made: Instant = at("made", default=...)


def test_the_id_is_looked_for_where_the_record_says() -> None:
    _, _, (rejected,) = Reader(Strict).read([b'{"a":{"key":5}}'])
    assert rejected.record_id == "5"
    _, _, (rejected,) = Reader(Strict).read([b'{"id":5}'])
    assert rejected.record_id is None


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["", "1", "2026-01-01"])
)
RAWS = (
    st.builds(
        lambda key, properties: json.dumps({"id": key, "properties": properties}).encode(),
        VALUES,
        st.dictionaries(st.sampled_from(["email", "visits", "value", "customer", "changed"]), VALUES),
    )
    | st.binary(max_size=6)
    | st.sampled_from([b'{"id":1},{"id":2}', b'{"id":"\\ud800"}'])
)


@given(page=st.lists(RAWS, max_size=6))
def test_a_page_read_at_once_is_a_page_read_one_by_one(page: list[bytes]) -> None:
    at_once, one_by_one = READER.read(page), READER._one_by_one(page)
    assert at_once == one_by_one
    good, raws, rejected = at_once
    assert len(good) == len(raws)
    assert len(good) + len(rejected) == len(page)


class Trip(Record):
    id: Id = at("id", default=...)
    driver: str | None = fact("driver", "driver", "name")
    stops: list[str] = fact("stops", default=[])


class TestFacts:
    @pytest.mark.parametrize(
        "raw",
        [
            b'{"id":"1","driver":{"name":"Ann"}}',
            b'{ "id" : "1", "driver":{"name":"Ann"} }\n',
            b'{"id":"1","driver":{"name":"Ann"},"_gtm":{"stops":["theirs"]}}',
        ],
    )
    def test_lie_beside_the_record_which_stays_as_it_came(self, raw: bytes) -> None:
        ((trip,), raws, rejected) = Reader(Trip).read([with_facts(raw, stops=["Hull"])])
        assert (trip.driver, trip.stops, rejected) == ("Ann", ["Hull"], [])
        assert raws == [raw]

    def test_come_before_what_the_record_says(self) -> None:
        raw = b'{"id":"1","driver":{"name":"Ann"}}'
        ((trip,), _, _) = Reader(Trip).read([with_facts(raw, driver="Bob")])
        assert trip.driver == "Bob"

    def test_of_several_answers_add_up(self) -> None:
        record = with_facts(with_facts(b'{"id":"1"}', driver="Bob", stops=["Hull"]), stops=["York"])
        ((trip,), _, _) = Reader(Trip).read([record])
        assert (trip.driver, trip.stops) == ("Bob", ["York"])

    @pytest.mark.parametrize("raw", [b"", b"{}", b"{ }"])
    def test_can_be_all_there_is(self, raw: bytes) -> None:
        class Stop(Record):
            id: Id = fact("id", default=...)

        ((stop,), raws, _) = Reader(Stop).read([with_facts(raw, id="7")])
        assert (stop.id, raws) == ("7", [raw])

    @pytest.mark.parametrize("raw", [b"[1]", b'"text"', b"null", b"7"])
    def test_do_not_make_a_record_of_what_is_none(self, raw: bytes) -> None:
        (_, _, (rejected,)) = Reader(Trip).read([with_facts(raw, driver="Bob")])
        assert rejected.raw == raw

    def test_name_the_key_of_a_record_that_cannot_be_read(self) -> None:
        class Stop(Record):
            trip: Id = fact("trip", default=...)
            number: Whole = at("number", default=...)

        record = with_facts(b'{"number":"first"}', trip="t1")
        (_, _, (rejected,)) = Reader(Stop, ("trip", "number")).read([record])
        assert rejected.key == ("t1", "first")
        assert rejected.raw == b'{"number":"first"}'

    def test_a_record_is_repaired_together_with_them(self) -> None:
        ((trip,), raws, _) = Reader(Trip).read([with_facts(rb'{"id":"1\ud83d"}', stops=["Hull"])])
        assert (trip.id, trip.stops, raws) == ("1\ufffd", ["Hull"], [rb'{"id":"1\ufffd"}'])


def test_a_record_that_cannot_be_used_says_why_in_a_sentence() -> None:
    page = [unusable(with_facts(b'{"id":"1"}', driver="Bob"), "The driver has no licence."), b'{"id":"2"}']
    ((good,), _, (rejected,)) = Reader(Trip).read(page)
    assert good.id == "2"
    assert (rejected.record_id, rejected.reason) == ("1", "The driver has no licence.")
    assert with_facts(page[0], stops=[]).unusable == "The driver has no licence."


def test_a_field_lies_where_it_is_now_or_where_it_was_before() -> None:
    class Moved(Record):
        id: Id = either(("new", "id"), ("id",), default=...)

    good, _, _ = Reader(Moved).read([b'{"new":{"id":"1"}}', b'{"id":"2"}', b'{"new":null,"id":"3"}'])
    assert [record.id for record in good] == ["1", "2", "3"]


class TestArrays:
    """Records whose columns are named once."""

    COLUMNS = ("id", "driver", "distance")

    def test_values_are_read_by_the_names_beside_them(self) -> None:
        row = b'["1", {"name": "Ann"}, 12.50]'
        ((trip,), raws, rejected) = Reader(Trip).read([with_facts(with_columns(row, self.COLUMNS), stops=["Hull"])])
        assert (trip.id, trip.driver, trip.stops) == ("1", "Ann", ["Hull"])
        assert (raws, rejected) == ([row], [])

    @pytest.mark.parametrize("row", [b'["1", "Ann"]', b'["1", "Ann", 12, 13]', b"[1", b"null", b'{"id": [1]}'])
    def test_what_does_not_fit_the_names_is_set_aside_as_it_came(self, row: bytes) -> None:
        good, _, (rejected,) = Reader(Trip).read([with_facts(with_columns(row, self.COLUMNS), stops=["Hull"])])
        assert good == []
        assert rejected.raw == row

    def test_a_mark_and_facts_leave_the_names_where_they_are(self) -> None:
        record = unusable(with_columns(b'["1", "Ann", 12]', self.COLUMNS), "The driver has no licence.")
        assert record.columns == self.COLUMNS
        ((_, reason, id_),) = [(bad.raw, bad.reason, bad.record_id) for bad in Reader(Trip).read([record])[2]]
        assert (reason, id_) == ("The driver has no licence.", "1")
