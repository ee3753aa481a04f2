"""What people are shown of odd figures: which, with what history, and the check of the table that they are of."""

import base64
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree as ET

import dagster as dg
import pytest

from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.quality.daily_metrics import CUSTOMERS
from gtm_platform.quality.odd_figures import PLOTTED_DAYS, odd_figures
from gtm_platform.quality.plot import svg_plot, text_plot
from gtm_platform.quality.source_checks import AS_USUAL, FRESH, evaluate, source_checks
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform_tests.tables import DAY, filled

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
CONTACTS = "hubspot/contacts"
STRIPE = tuple(source for source in SCHEDULED if source.name in ("hubspot", "stripe"))


def write(lake: Lake, table: str, day: date, rows: Sequence[dict[str, object]]) -> None:
    lake.write(table, str(day), filled(table, *({"day": day, **row} for row in rows)).to_pyarrow())


def write_odd(lake: Lake, subject: str = CONTACTS, day: date = DAY, **more: object) -> None:
    """Seventy usual days of a metric, and a last one that is odd."""
    for back in range(70, -1, -1):
        value = 90.0 if back == 0 else 200.0 + back % 7
        row = {"subject": subject, "metric": "records", "kind": "count", "value": value}
        write(lake, "quality/daily_metrics", day - timedelta(days=back), [row])
    row = {"subject": subject, "metric": "records", "kind": "drop", "value": 90.0, "expected": 203.0}
    write(lake, "quality/anomalies", day, [{**row, "deviation": -9.5, "since": day, **more}])


def test_an_odd_figure_comes_with_its_weeks_before(lake: Lake) -> None:
    write_odd(lake)
    (odd,) = odd_figures(lake)
    assert len(odd.history) == PLOTTED_DAYS + 1
    assert odd.history[-3:] == (202.0, 201.0, 90.0)
    assert str(odd) == "records is 90, 203 was expected"
    assert odd.change == pytest.approx(-0.557, abs=0.001)


def test_yesterdays_oddities_are_shown_and_older_ones_are_not(lake: Lake) -> None:
    write_odd(lake)
    write(lake, "quality/anomalies", DAY + timedelta(days=1), [])
    assert [odd.day for odd in odd_figures(lake)] == [DAY]
    write(lake, "quality/anomalies", DAY + timedelta(days=2), [])
    assert odd_figures(lake) == []
    assert [odd.day for odd in odd_figures(lake, days=30)] == [DAY]


def test_a_missing_figure_says_what_was_expected(lake: Lake) -> None:
    write_odd(lake, value=None, deviation=None)
    assert [str(odd) for odd in odd_figures(lake)] == ["records is missing, 203 was expected"]


def test_the_check_of_the_table_warns_with_the_figures_and_a_plot(lake: Lake) -> None:
    write_odd(lake)
    verdicts = evaluate(lake, NOW, {}, STRIPE)
    verdict = verdicts[dg.AssetCheckKey(dg.AssetKey(["hubspot", "contacts"]), AS_USUAL)]
    assert (verdict.passed, verdict.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert verdict.description == "records is 90, 203 was expected"
    (record,) = verdict.metadata["figures"].value.records  # type: ignore[union-attr]
    assert record.data["change"] == "-56%"
    assert str(record.data["weeks before"]).endswith("▇▇▄")
    image = re.search(r"data:image/svg\+xml;base64,([\w+/=]+)", str(verdict.metadata["plots"].value))
    assert image
    svg = ET.fromstring(base64.b64decode(image[1]).decode())
    assert [child.tag.rpartition("}")[2] for child in svg] == ["polyline", "circle", "circle"]
    others = [each for each in verdicts.values() if each.check_name == AS_USUAL and each is not verdict]
    assert all(each.passed for each in others)


def test_each_table_of_each_source_has_both_checks() -> None:
    keys = {(key.asset_key.to_user_string(), key.name) for key in source_checks().check_keys}
    tables = {source.table(stream) for source in SCHEDULED for stream in source.streams}
    assert keys == {(table, name) for table in tables for name in (FRESH, AS_USUAL)} | {(CUSTOMERS, AS_USUAL)}


def test_a_person_can_evaluate_them_in_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_NOW", NOW.isoformat())
    settings.cache_clear()
    write_odd(the_lake(), CUSTOMERS)
    checks = source_checks()
    customers = dg.AssetCheckKey(dg.AssetKey(CUSTOMERS.split("/")), AS_USUAL)
    result = dg.materialize([checks], resources={"lake": LakeResource()}, selection=dg.AssetSelection.checks(customers))
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.asset_check_key, evaluation.passed) == (customers, False)


def test_a_plot_leaves_a_gap_for_a_missing_day_and_stays_within_its_frame() -> None:
    svg = ET.fromstring(svg_plot([1, 2, None, 5, 4, None], expected=400))
    tags = [child.tag.rpartition("}")[2] for child in svg]
    assert tags == ["polyline", "polyline", "circle"]
    numbers = [float(number) for child in svg for number in re.findall(r"[\d.]+", child.get("points", ""))]
    assert min(numbers) >= 0
    assert max(numbers) <= 320


def test_a_line_of_text_has_a_bar_a_day() -> None:
    assert text_plot([0, 50, None, 100, -3]) == "▁▄ █▁"
    assert text_plot([None, None]) == "  "
    assert text_plot([0.0]) == "▁"


def test_a_plot_of_nothing_is_a_plot() -> None:
    assert "circle" in svg_plot([], expected=0)
    assert "circle" in svg_plot([None], expected=3)
