"""Schema drift, on pages of raw records: what is noticed, what is not worth a word, and that no value is ever kept."""

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gtm_platform.ingest.field_types import SAMPLED_FIRST, FieldTypes, is_name
from gtm_platform.ingest.record import MaybeText, Record, at, either, paths_read, with_columns, with_facts
from gtm_platform.ingest.schema_drift import StreamFields, acknowledge, changes_by_table, changes_of, learn
from gtm_platform.lake.lake import Lake

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
TABLE = "sky/planets"


def planet(number: int = 0, **more: Any) -> dict[str, Any]:
    return {"id": str(number), "mass": 1.5, "orbit": {"days": 88, "around": "sun"}, "moons": [{"name": "io"}], **more}


def sample(*records: dict[str, Any]) -> FieldTypes:
    fields = FieldTypes()
    fields.sample([json.dumps(record).encode() for record in records])
    return fields


class Planet(Record):
    tilt: MaybeText = either(("orbit", "tilt"), ("inclination",))
    first_moon: MaybeText = at("moons", 0, "name")


READ = paths_read(Planet)


class Stream:
    """A stream's fields, learnt from a sync of some records a day."""

    def __init__(self) -> None:
        self.fields, self.now = StreamFields(), NOW
        self.sync(*map(planet, range(30)))

    def sync(self, *records: dict[str, Any], read: Collection[str] = ()) -> None:
        self.fields.learn(sample(*records), self.now, read)
        self.now += timedelta(days=1)

    def changes(self) -> list[tuple[str, str, str, str]]:
        return [(each.field, each.kind, each.type_before, each.type_now) for each in self.fields.changes]


@pytest.fixture
def stream() -> Stream:
    return Stream()


def test_nothing_is_a_change_while_the_fields_are_learnt(stream: Stream) -> None:
    assert stream.changes() == []
    assert {"id", "mass", "orbit", "orbit.days", "moons", "moons[].name"} <= stream.fields.fields.keys()


def test_an_unchanged_stream_says_nothing(stream: Stream) -> None:
    for _ in range(20):
        stream.sync(*map(planet, range(7)))
    assert stream.changes() == []


def test_that_a_field_comes_which_the_stream_reads_is_no_news(stream: Stream) -> None:
    for _ in range(3):
        stream.sync(*(planet(number, inclination=3, rings=2) for number in range(7)), read=READ)
    assert [field for field, *_ in stream.changes()] == ["rings"]


@pytest.mark.faults("P19")
def test_a_new_field_is_noted_with_its_type_and_when_it_was_first_seen(stream: Stream) -> None:
    stream.sync(*(planet(number, color="red") for number in range(6)))
    assert stream.changes() == [("color", "new field", "", "text")]
    assert stream.fields.changes[0].first_seen == "2026-03-02T06:00:00+00:00"


def test_few_records_a_sync_are_enough_in_time(stream: Stream) -> None:
    for _ in range(5):
        stream.sync(planet(color="red"))
    assert stream.changes() == [("color", "new field", "", "text")]
    assert stream.fields.changes[0].first_seen == "2026-03-02T06:00:00+00:00"


def test_a_new_field_that_is_mostly_null_is_noted(stream: Stream) -> None:
    stream.sync(*(planet(number, color="red" if number == 0 else None) for number in range(10)))
    assert stream.changes() == [("color", "new field", "", "text")]


def test_a_rare_optional_field_is_no_news(stream: Stream) -> None:
    stream.sync(planet(rings=True), *map(planet, range(20)))
    stream.sync(planet(rings=True), *map(planet, range(20)))
    assert stream.changes() == []


def test_a_new_object_is_one_change_whatever_it_holds(stream: Stream) -> None:
    stream.sync(*(planet(number, crust={"iron": 1, "layers": [{"depth": 2}]}) for number in range(6)))
    assert stream.changes() == [("crust", "new field", "", "object")]


@pytest.mark.faults("P19")
def test_what_an_object_holds_that_was_null_so_far_is_no_news(stream: Stream) -> None:
    stream.fields = StreamFields()
    stream.sync(*[planet(ring=None)] * 30)
    stream.sync(*[planet(ring={"width": 3})] * 30)
    assert stream.changes() == []
    stream.sync(*[planet(ring={"width": 3, "color": "grey"})] * 30)
    assert stream.changes() == [("ring.color", "new field", "", "text")]


def test_a_vanished_field_is_noted_and_undone_when_it_is_back(stream: Stream) -> None:
    without = {name: value for name, value in planet().items() if name != "orbit"}
    for _ in range(3):
        stream.sync(*[without] * 6)
    assert stream.changes() == []
    stream.sync(*[without] * 6)
    assert stream.changes() == [("orbit", "vanished field", "object", "")]
    assert stream.fields.changes[0].is_open(stream.now, 14)
    stream.sync(planet())
    assert not stream.fields.changes[0].is_open(stream.now, 14)


def test_a_field_of_an_object_vanishes_apart_from_it(stream: Stream) -> None:
    stream.sync(*[planet(orbit={"days": 88})] * 20)
    assert stream.changes() == [("orbit.around", "vanished field", "text", "")]


def test_a_null_is_neither_a_loss_nor_a_type(stream: Stream) -> None:
    stream.sync(*[planet(mass=None, orbit=None)] * 30)
    assert stream.changes() == []


@pytest.mark.faults("P18")
def test_a_changed_type_is_noted_beside_the_one_before(stream: Stream) -> None:
    stream.sync(*(planet(number, mass="1.5") for number in range(6)))
    assert stream.changes() == [("mass", "changed type", "number", "text")]
    assert str(stream.fields.changes[0]) == "mass was of type number and is now also of type text"


def test_a_whole_number_where_fractions_were_is_the_same_type(stream: Stream) -> None:
    stream.sync(*[planet(mass=2)] * 10)
    assert stream.changes() == []


def test_what_was_null_at_first_has_its_type_when_it_comes() -> None:
    stream = Stream()
    stream.fields = StreamFields()
    stream.sync(*[planet(color=None)] * 30)
    stream.sync(*[planet(color="red")] * 10)
    assert stream.changes() == []


@pytest.mark.parametrize(
    "key", ["ann@example.com", "cus_4f8Hh12345678", "+4915112345678", "Ann Example", "a" * 70, "7"]
)
def test_names_that_are_data_are_never_kept(stream: Stream, key: str) -> None:
    assert not is_name(key)
    stream.sync(*[planet(scores={key: 1}), planet(**{key: 1})] * 10)
    assert key not in json.dumps([str(stream.fields.changes), sorted(stream.fields.fields)])
    assert stream.changes() == [("scores", "new field", "", "object")]


def test_a_large_page_costs_a_few_looks_and_every_later_page_one() -> None:
    fields, page = FieldTypes(), [json.dumps(planet(number)).encode() for number in range(1000)]
    fields.sample(page)
    assert fields.records == SAMPLED_FIRST
    fields.sample(page)
    assert fields.records == SAMPLED_FIRST + 1


def test_facts_beside_a_record_are_no_fields_and_columns_are() -> None:
    fields = FieldTypes()
    fields.sample(
        [with_facts(b'{"id": "1"}', owner="ann"), with_columns(b'["2", 3]', ("id", "mass")), b"no json", b"[1]"]
    )
    assert fields.records == 2
    assert dict(fields.present()) == {"id": 2, "mass": 1}


def test_what_was_noticed_stays_until_it_is_acknowledged_or_old(lake: Lake) -> None:
    learn(lake, TABLE, sample(*map(planet, range(30))), NOW)
    learn(lake, TABLE, sample(*[planet(color="red", mass="heavy")] * 6), NOW)
    mass, color = sorted(changes_of(lake, TABLE), key=lambda change: change.kind)
    assert (mass.field, color.field) == ("mass", "color")
    assert color.is_open(NOW + timedelta(days=13), days=14)
    assert not color.is_open(NOW + timedelta(days=14), days=14)
    assert [each.field for each in acknowledge(lake, TABLE, NOW, "color")] == ["color"]
    assert [each.field for each in changes_by_table(lake)[TABLE] if each.is_open(NOW, 14)] == ["mass"]
    assert [each.field for each in acknowledge(lake, TABLE, NOW)] == ["mass"]
    assert acknowledge(lake, TABLE, NOW) == []


def test_no_value_is_written_anywhere(lake: Lake) -> None:
    learn(lake, TABLE, sample(*[planet(email="ann@example.com")] * 30), NOW)
    learn(lake, TABLE, sample(*[planet(email=["bob@example.com"], phone="0151")] * 30), NOW)
    assert len(changes_of(lake, TABLE)) == 2
    written = "".join(path.read_text() for path in (lake.root.parent / "schemas").iterdir())
    assert not [value for value in ("example.com", "0151", "sun", '"io"') if value in written]


def test_a_broken_file_is_learnt_again(lake: Lake) -> None:
    learn(lake, TABLE, sample(*map(planet, range(30))), NOW)
    (file,) = (lake.root.parent / "schemas").iterdir()
    file.write_text('{"records": 3')
    learn(lake, TABLE, sample(*[planet(color="red")] * 30), NOW)
    assert changes_of(lake, TABLE) == []
