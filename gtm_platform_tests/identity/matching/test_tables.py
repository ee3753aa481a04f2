"""Whole tables: which columns belong together, and what linking them with a truth comes to."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from gtm_platform.identity.matching.column_pairs import WHOLE_NAME, in_common
from gtm_platform.identity.matching.csv_files import CsvTable, UnreadableFile
from gtm_platform.identity.matching.measures import Truth, measure_clusters, measure_links, read_truth
from gtm_platform.identity.matching.tables import dedupe_table, ids_of, link_tables
from gtm_platform_tests.identity.matching.made_up_records import Record, colleagues, company_names, contacts


def csv_table(columns: Mapping[str, Sequence[str | None]], name: str = "file.csv") -> CsvTable:
    return CsvTable(Path(name), {header: list(values) for header, values in columns.items()})


def of_records(records: Sequence[Record], without: Sequence[str] = ()) -> CsvTable:
    return csv_table({name: [r[name] for r in records] for name in records[0] if name not in without})


def test_columns_belong_together_by_header_then_by_values() -> None:
    names, dates = ["ada", "bo", "cy"], ["1980-01-01", "1981-02-03", "1982-03-04"]
    left = {"First Name": names, "birthday": dates, "town": ["ulm", "lund", "bonn"]}
    right = {
        "city": ["lund", "bonn", "metz"],
        "first_name": names[::-1],
        "dob": ["03/04/1990", "05/06/1991", "07/08/1992"],
    }
    ours, theirs = in_common(left, right)
    assert ours == {"First Name": names, "birthday": dates, "town": left["town"]}
    assert theirs == {"First Name": names[::-1], "town": right["city"], "birthday": right["dob"]}


def test_a_whole_name_is_compared_with_one_in_parts() -> None:
    mail = ["a@x.example", "b@x.example", "c@x.example"]
    left = {"full_name": ["Ada Lund", "Bo Ek", "Cy Holm"], "email": mail}
    right = {"given": ["Ada", "Bo", "Cy"], "surname": ["Lund", None, "Holm"], "mail": mail[::-1]}
    ours, theirs = in_common(left, right)
    assert ours[WHOLE_NAME] == ["Ada Lund", "Bo Ek", "Cy Holm"]
    assert theirs[WHOLE_NAME] == ["Ada Lund", "Bo", "Cy Holm"]


def test_two_tables_with_other_headers_are_linked() -> None:
    records = contacts(300)
    first = {record["person"]: record for record in records[::-1]}
    left = list(first.values())
    right = [record for record in records if record["unique_id"] not in {r["unique_id"] for r in left}]
    other = {"forename": "first", "family_name": "last", "born": "date of birth", "town": "city", "e-mail": "contact"}
    renamed = [{other.get(name, name): value for name, value in record.items()} for record in right]
    tables = of_records(left, ["person"]), of_records(renamed, ["person"])
    links = link_tables(*tables)
    truth = Truth(entity_of={str(record["unique_id"]): str(record["person"]) for record in records})
    measures = measure_links(
        [(link.left, link.right) for link in links], truth, ids_of(tables[0], None), ids_of(tables[1], None)
    )
    assert measures.precision >= 0.97, measures
    assert measures.f1 >= 0.92, measures


def test_a_table_is_deduplicated_without_a_look_at_the_answer() -> None:
    records = colleagues(300)
    answer = [{**record, "cluster": record["person"]} for record in records]
    blind = dedupe_table(of_records(records, ["person"]))
    assert blind == dedupe_table(of_records(answer, ["person"]))
    truth = Truth(entity_of={str(record["unique_id"]): str(record["person"]) for record in records})
    assert measure_clusters({m.record: str(m.cluster) for m in blind}, truth).f1 >= 0.95


def test_a_single_column_of_names_gives_the_best_match_of_each() -> None:
    noisy, clean = company_names(200)
    links = link_tables(csv_table({"company": noisy}), csv_table({"name": clean}))
    assert sum(link.left == link.right for link in links) >= 196
    same = [link for link in links if link.decision == "same"]
    assert all(link.left == link.right for link in same)
    assert len(same) >= 170
    assert {link.decision for link in links} <= {"same", "review", "weak"}
    assert len({m.cluster for m in dedupe_table(csv_table({"company": [*clean, *clean]}))}) <= len(clean)


def test_ids_that_are_not_unique_cannot_name_records() -> None:
    table = csv_table({"id": ["a", "a"], "name": ["x", "y"]})
    assert ids_of(table, None) == ["1", "2"]
    with pytest.raises(UnreadableFile, match="'id' do not all differ"):
        ids_of(table, "id")


def test_tables_without_anything_in_common_are_refused() -> None:
    with pytest.raises(UnreadableFile, match="no column in common"):
        link_tables(csv_table({"colour": ["red", "blue"]}), csv_table({"amount": ["11", "12"]}))


def test_a_truth_file_has_pairs_or_entities() -> None:
    left, right = ["l1", "l2", "l3"], ["r1", "r2", "r3"]
    pairs = csv_table({"b": ["r1", "r2", "r3"], "a": ["l1", "l2", "l3"], "match": ["1", "1", "0"]})
    assert read_truth(pairs, left, right).pairs == {("l1", "r1"), ("l2", "r2")}
    headless = csv_table({"l1": ["l2"], "r1": ["r2"]})
    assert read_truth(headless, left, right).pairs == {("l1", "r1"), ("l2", "r2")}
    entities = csv_table({"cluster": ["l1", "l2"], "id": ["l1", "r1"]})
    assert read_truth(entities, left, right).entity_of == {"l1": "l1", "r1": "l2"}
    with pytest.raises(UnreadableFile, match="no column holds ids"):
        read_truth(csv_table({"x": ["?"], "y": ["?"]}), left, right)


def test_measures_count_pairs() -> None:
    by_entity = Truth(entity_of={"l1": "p", "l2": "q", "r1": "p", "r2": "p", "r3": "q"})
    measures = measure_links([("l1", "r1"), ("l2", "r1")], by_entity, ["l1", "l2"], ["r1", "r2", "r3"])
    assert (measures.right, measures.linked, measures.true) == (1, 2, 3)
    clusters = {"a": "1", "b": "1", "c": "1", "d": "2"}
    measures = measure_clusters(clusters, Truth(entity_of={"a": "x", "b": "x", "c": "y", "d": "y"}))
    assert (measures.right, measures.linked, measures.true) == (1, 3, 2)
    assert measures == measure_clusters(clusters, Truth(pairs=frozenset([("b", "a"), ("c", "d")])))
    assert (round(measures.precision, 3), measures.recall, measures.f1) == (0.333, 0.5, 0.4)
