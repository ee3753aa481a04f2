"""`gtm identity bench` and `dedupe`: files in, files and figures out; what is wrong with a file is a sentence."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gtm_platform.cli import gtm
from gtm_platform_tests.identity.matching.made_up_records import company_names, contacts


def write(path: Path, rows: Sequence[Mapping[str, str | None]], separator: str = ",", encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as target:
        writer = csv.DictWriter(target, list(rows[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(gtm, ["identity", *map(str, arguments)])


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("people")
    records = contacts(200)
    blind = [{name: value for name, value in record.items() if name != "person"} for record in records]
    truth = [{"id": record["unique_id"], "person": record["person"]} for record in records]
    return {
        "all": write(folder / "all.csv", blind, ";", "utf-8-sig"),
        "left": write(folder / "left.csv", blind[::2]),
        "right": write(folder / "right.csv", blind[1::2], "\t", "utf-16"),
        "truth": write(folder / "truth.csv", truth),
    }


def test_dedupe_writes_the_file_with_clusters_and_prints_figures(people: dict[str, Path], tmp_path: Path) -> None:
    output = tmp_path / "clusters.csv"
    answer = run("dedupe", people["all"], "--truth", people["truth"], "--output", output)
    assert answer.exit_code == 0, answer.output
    rows = read(output)
    assert list(rows[0]) == [
        "cluster_id",
        "cluster_score",
        "unique_id",
        "forename",
        "family_name",
        "born",
        "town",
        "e-mail",
    ]
    assert all(row["cluster_score"] == "" or 0 <= float(row["cluster_score"]) <= 1 for row in rows)
    precision, recall, f1 = (float(answer.stdout.split(word)[1].split()[0]) for word in ("precision", "recall", "F1"))
    assert min(precision, recall, f1) > 0.9
    assert "pairs to compare" in answer.stderr


def test_without_a_file_to_write_the_rows_alone_are_on_standard_output(people: dict[str, Path]) -> None:
    answer = run("dedupe", people["all"], "--truth", people["truth"])
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith("cluster_id,cluster_score,unique_id")
    assert "precision" in answer.stderr
    assert "precision" not in answer.stdout


def test_bench_links_two_files_of_different_kinds(people: dict[str, Path], tmp_path: Path) -> None:
    output = tmp_path / "links.csv"
    answer = run(
        "bench", "--left", people["left"], "--right", people["right"], "--truth", people["truth"], "--output", output,
        "--quiet",
    )  # fmt: skip
    assert answer.exit_code == 0, answer.output
    assert answer.stderr == ""
    links = read(output)
    assert list(links[0]) == ["left_id", "right_id", "score", "decision"]
    assert {link["decision"] for link in links} == {"same"}
    assert float(answer.stdout.split("F1")[1].split()[0]) > 0.85


def test_bench_of_names_prints_how_often_the_best_match_is_right(tmp_path: Path) -> None:
    noisy, clean = company_names(200)
    left = write(tmp_path / "left.csv", [{"id": f"l{n}", "company": name} for n, name in enumerate(noisy)])
    right = write(tmp_path / "right.csv", [{"id": f"r{n}", "company": name} for n, name in enumerate(clean)])
    truth = write(tmp_path / "truth.csv", [{"a": f"l{n}", "b": f"r{n}"} for n in range(200)])
    answer = run("bench", "--left", left, "--right", right, "--truth", truth, "--output", tmp_path / "links.csv")
    assert answer.exit_code == 0, answer.output
    assert float(answer.stdout.split("top-1")[1].split()[0]) >= 0.985
    assert len(read(tmp_path / "links.csv")) == 200


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        (b"", (), "is empty. The first line should name the columns."),
        (b"name,city\nAda,Ulm\nBo,Lund\n", ("--id", "key"), "has no column 'key'; it has: name, city."),
        (b"id,amount\n1,\n2,\n", (), "has no column that could be compared"),
        (b"name,city\nAda,Ulm,x\n", (), "row 2 has 3 values"),
    ],
)
def test_what_is_wrong_with_a_file_is_a_sentence(
    tmp_path: Path, content: bytes, options: tuple[str, ...], sentence: str
) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    answer = run("dedupe", path, *options)
    assert answer.exit_code == 1
    assert sentence in answer.stderr
    assert "Traceback" not in answer.output


def test_a_file_that_is_not_there_and_one_that_cannot_be_written(people: dict[str, Path], tmp_path: Path) -> None:
    assert "absent.csv cannot be read" in run("dedupe", tmp_path / "absent.csv").stderr
    answer = run("dedupe", people["all"], "--output", tmp_path / "no" / "folder.csv", "--quiet")
    assert "folder.csv cannot be written" in answer.stderr
