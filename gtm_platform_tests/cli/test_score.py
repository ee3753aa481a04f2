"""`gtm score`: the same answers from CSV and Parquet, a file of scores that adds up, errors as sentences."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from gtm_platform.cli import gtm
from gtm_platform_tests.intelligence.planted import signal, with_leaks


@pytest.fixture
def leads(tmp_path: Path) -> Path:
    frame = with_leaks(signal(400).frame)
    frame.loc[:9, "left"] = None
    frame.to_csv(tmp_path / "leads.csv", index=False, sep=";")
    return tmp_path / "leads.csv"


def score(*arguments: object) -> Result:
    return CliRunner().invoke(gtm, ["score", *map(str, arguments)])


def test_a_file_is_scored_with_leaks_named_and_reasons_that_add_up(leads: Path) -> None:
    out = leads.with_name("scores.parquet")
    result = score(leads, "--target", "Left", "--drop", "customer_id", "--out", out)
    assert result.exit_code == 0, result.output
    shown = ("390 rows", "exit_survey: alone it tells", "Verdict: signal", "AUC ", "Brier ", "ECE ", "floor", "row ")
    for part in shown:
        assert part in result.output
    scores = pd.read_parquet(out)
    reasons = scores.filter(like="reason:").sum(axis=1)
    assert len(scores) == 400
    assert scores["score"].between(0, 1).all()
    odds = np.log(scores["score_explained"] / (1 - scores["score_explained"]))
    assert np.allclose(scores["base"] + reasons, odds)


def test_what_is_no_signal_delivers_the_base_rate_also_as_json(tmp_path: Path) -> None:
    draw = np.random.default_rng(6)
    path = tmp_path / "noise.parquet"
    pd.DataFrame({"x": draw.normal(size=300), "won": draw.random(300) < 0.4}).to_parquet(path)
    result = score(path, "--target", "won", "--format", "json", "--out", tmp_path / "scores.csv")
    summary = json.loads(result.output)
    assert summary["verdict"] == "no signal"
    assert summary["auc"].keys() == {"value", "low", "high"}
    assert set(pd.read_csv(tmp_path / "scores.csv")["score"]) == {summary["base_rate"]}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--target", "gone"], "There is no column 'gone'. The columns are: usage_change, "),
        (["--target", "plan"], "Column 'plan' has 3 different values"),
        (["--target", "left", "--time", "plan"], "Column 'plan' holds no dates or numbers"),
        (["--target", "left", "--drop", "nobody"], "There is no column 'nobody' to drop"),
        (["--target", "left", "--drop", "left"], "it cannot be dropped"),
    ],
)
def test_errors_are_sentences(leads: Path, arguments: list[str], sentence: str) -> None:
    result = score(leads, *arguments)
    assert result.exit_code == 1
    assert sentence in result.output


def test_a_file_that_is_no_table_is_a_sentence(tmp_path: Path) -> None:
    assert "does not exist" in score(tmp_path / "no.csv", "--target", "x").output
    (tmp_path / "empty.csv").write_text("a,b\n")
    assert "has no rows" in score(tmp_path / "empty.csv", "--target", "a").output
