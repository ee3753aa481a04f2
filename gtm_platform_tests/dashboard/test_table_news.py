"""The data health page over tables in which something is otherwise than usual."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from gtm_platform.dashboard.wording import ago
from gtm_platform.ingest.field_types import FieldTypes
from gtm_platform.ingest.schema_drift import learn
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.dashboard.conftest import opener
from gtm_platform_tests.dashboard.test_pages import cards, listed, texts
from gtm_platform_tests.dashboard.world import DAY, settle
from gtm_platform_tests.quality.test_odd_figures import write_odd
from gtm_platform_tests.tables import filled

NOW = datetime.combine(DAY, time(23), UTC)


def test_the_page_shows_odd_figures_changed_fields_and_how_fresh_tables_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GTM_NOW", NOW.isoformat())
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_1")
    lake = Lake(tmp_path / "lake")
    write_odd(lake, "stripe/charges", day=DAY - timedelta(days=8))
    write_odd(lake, day=DAY)
    for raw in (b'{"id": "1"}', b'{"id": "1", "tier": "gold"}'):
        fields = FieldTypes()
        fields.sample([raw] * 30)
        learn(lake, "hubspot/contacts", fields, NOW - timedelta(days=1))
    row = {"id": "1", "changed_at": NOW - timedelta(hours=30), "_window": NOW, "_extracted_at": NOW}
    day = str(DAY - timedelta(days=1))
    lake.write("stripe/charges", day, engine().to_pyarrow(filled("stripe/charges", row)), full=True)
    settle(tmp_path, 30, 2)
    app = opener(tmp_path, monkeypatch)("data_health")
    assert cards(app)["Odd figures"] == "1"
    now, past, sources, changes = (listed(app, number) for number in range(4))
    assert [(row["table"], row["metric"], row["kind"][0]) for row in now] == [("hubspot/contacts", "records", "Drop")]
    assert len(now[0]["history"]) == 57
    assert [row["table"] for row in past] == ["stripe/charges"]
    states = {f"{row['source'].lower()}/{row['table']}": (row["state"][0], row["changed"]) for row in sources}
    assert states["stripe/charges"] == ("Fresh", ago(f"{NOW - timedelta(hours=30):%Y-%m-%dT%H:%M:%SZ}", NOW))
    assert states["stripe/refunds"][0] == "Never read"
    assert [(row["field"], row["kind"][0], row["now"], row["state"]) for row in changes] == [
        ("tier", "New field", "text", "Open")
    ]
    assert "gold" not in texts(app)
