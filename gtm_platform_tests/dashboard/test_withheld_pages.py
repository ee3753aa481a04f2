"""Pages while an experiment runs: what it found, and customers of whom no health is shown."""

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from gtm_platform.dashboard.frame.page import discover
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.serving.snapshot.build import build
from gtm_platform.serving.snapshot.files import folder_of
from gtm_platform.serving.snapshot.landing import Landing
from gtm_platform_tests.dashboard.conftest import Open, opener
from gtm_platform_tests.dashboard.test_pages import cards, listed, texts
from gtm_platform_tests.dashboard.world import DAY, settle
from gtm_platform_tests.intelligence.shown_effect import HYPOTHESIS, RUNNING, with_experiment
from gtm_platform_tests.tables import filled

pytestmark = pytest.mark.soak

WITHHELD = [f"cus_{number:07}" for number in range(0, 60, 3)]


@pytest.fixture(scope="module")
def withheld_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("withheld")
    settle(home, 60, 3)
    lake = Lake(home / "lake")
    drawn = {"experiment": "spring", "group": "withheld", "starts_on": DAY - RUNNING, "assigned_on": DAY - RUNNING}
    rows = [drawn | {"customer_id": id, "company_id": f"com_{int(id[4:]) // 10:06}"} for id in WITHHELD]
    lake.write("intelligence/holdout", str(DAY), engine().to_pyarrow(filled("intelligence/holdout", *rows)))
    seen = with_experiment(lake, DAY)
    assert build(Landing(seen, datetime.combine(DAY, time(23), UTC), policy()), folder_of(home)) is not None
    return home


@pytest.fixture
def open_withheld(withheld_home: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    return opener(withheld_home, monkeypatch)


@pytest.mark.parametrize("page", list(discover()))
def test_every_page_is_drawn_without_the_health_of_some(open_withheld: Open, page: str) -> None:
    assert open_withheld(page).title[0].value


def test_the_page_of_a_withheld_customer_has_what_it_pays_and_no_health(open_withheld: Open) -> None:
    shown = {id: cards(open_withheld("customer", id=id)) for id in WITHHELD[:4]}
    assert {(each["Health"], each["Churn risk"]) for each in shown.values()} == {("–", "–")}
    assert any(each["MRR"] != "–" for each in shown.values())


def test_no_withheld_customer_is_listed_at_risk(open_withheld: Open) -> None:
    names = {row["name"] for row in listed(open_withheld("at_risk"))}
    assert names
    withheld = {open_withheld("customer", id=id).title[0].value for id in WITHHELD[:6]}
    assert not names & withheld


def test_the_effect_is_shown_with_its_interval_and_success_beside_its_baseline(open_withheld: Open) -> None:
    app = open_withheld("effect")
    text = texts(app).replace("\\", "")
    assert HYPOTHESIS in text
    assert "Churn: less with it. -12.5 pp (-22.5 pp to -2.5 pp), with 230 treated and 80 withheld customers." in text
    assert cards(app)["Churn"] == "-12.5 pp"
    rows = {row["title"]: row for row in listed(app)}
    assert (rows["Churn in 90 days"]["value"], rows["Churn in 90 days"]["baseline"]) == ("8.0 %", "11.0 %")
    assert rows["Minutes saved in 30 days"]["basis"] == "Estimated"
