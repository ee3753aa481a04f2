"""People without a common address: how well they are linked, and that the answer depends on the records alone."""

import random
from collections.abc import Sequence

import pyarrow as pa
import pytest

from gtm_platform.identity.matching.linker import link
from gtm_platform.identity.matching.measures import Measures, Truth, measure_clusters
from gtm_platform.identity.matching.roles import Role, detect
from gtm_platform_tests.identity.matching import made_up_records
from gtm_platform_tests.identity.matching.made_up_records import Record

NOT_COMPARED = ("unique_id", "person")


def table_of(records: Sequence[Record], **more: Sequence[str | None]) -> pa.Table:
    columns = {name: pa.array([record[name] for record in records], pa.string()) for name in records[0]}
    return pa.table(columns | {"key": columns["unique_id"]} | {n: pa.array(v, pa.string()) for n, v in more.items()})


def roles_of(records: Sequence[Record]) -> dict[str, Role]:
    names = [name for name in records[0] if name not in NOT_COMPARED]
    return detect({name: [record[name] for record in records] for name in names}).compared


def clusters(records: Sequence[Record]) -> dict[str, str]:
    rows = link(table_of(records), roles_of(records)).clusters.to_pylist()
    return {row["key"]: row["cluster"] for row in rows}


def measured(records: Sequence[Record]) -> Measures:
    truth = Truth(entity_of={str(record["unique_id"]): str(record["person"]) for record in records})
    return measure_clusters(clusters(records), truth)


@pytest.mark.parametrize(
    ("records", "f1", "precision"),
    [
        pytest.param(made_up_records.contacts(320), 0.95, 0.97, id="a thousand contacts"),
        pytest.param(made_up_records.contacts(320, seed=11), 0.95, 0.97, id="another thousand"),
        pytest.param(made_up_records.biographies(500), 0.97, 0.98, id="old registers"),
        pytest.param(made_up_records.colleagues(400), 0.95, 0.97, id="colleagues"),
        pytest.param(made_up_records.colleagues(400, seed=12), 0.95, 0.97, id="other colleagues"),
    ],
)
def test_people_are_linked_by_what_their_records_have_in_common(
    records: list[Record], f1: float, precision: float
) -> None:
    measures = measured(records)
    assert measures.f1 >= f1, measures
    assert measures.precision >= precision, measures


def test_the_order_of_the_rows_changes_nothing() -> None:
    records = made_up_records.contacts(200)
    shuffled = random.Random(5).sample(records, len(records))
    assert clusters(records) == clusters(shuffled)


def test_only_different_sides_are_compared() -> None:
    records = made_up_records.contacts(200)
    sides = [str(n % 2) for n in range(len(records))]
    side_of = dict(zip((record["unique_id"] for record in records), sides, strict=True))
    pairs = link(table_of(records, side=sides), roles_of(records)).pairs.to_pylist()
    assert pairs
    assert all(side_of[pair["left"]] != side_of[pair["right"]] for pair in pairs)


def test_records_with_different_ids_of_record_stay_apart() -> None:
    records = made_up_records.contacts(200)
    hard = [str(n % 3) if n % 2 else None for n in range(len(records))]
    rows = link(table_of(records, hard_id=hard), roles_of(records)).clusters.to_pylist()
    hard_of = dict(zip((record["unique_id"] for record in records), hard, strict=True))
    held: dict[str, set[str | None]] = {}
    for row in rows:
        held.setdefault(row["cluster"], set()).add(hard_of[row["key"]])
    assert all(len(ids - {None}) <= 1 for ids in held.values())
    assert any(len(ids) > 1 for ids in held.values())


def test_letters_of_other_alphabets_and_customs_of_dates_do_not_keep_records_apart() -> None:
    records = made_up_records.contacts(200)
    ours: list[Record] = [
        {"unique_id": "x1", "forename": "Юлия", "family_name": "Соколова", "born": "1981-07-24", "town": "Łódź"},
        {"unique_id": "x2", "forename": "Yuliya", "family_name": "Sokolova", "born": "24.07.1981", "town": "Lodz"},
    ]
    every = [*records, *({**dict.fromkeys(records[0]), "person": "x", **record} for record in ours)]
    labels = clusters(every)
    assert labels["x1"] == labels["x2"]


@pytest.mark.parametrize("rows", [1, 2])
def test_a_table_of_hardly_any_rows_is_no_error(rows: int) -> None:
    records = [
        {"unique_id": str(n), "person": "p", "forename": "Ada", "family_name": "Lund", "town": f"Ulm {n}"}
        for n in range(rows)
    ]
    assert len(clusters(records)) == rows
