"""`gtm alerts …` over a small lake: what would be said, and what was."""

import json
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.state import open_state
from gtm_platform.state import slack_journal as journal
from gtm_platform.state.slack_journal import Fact
from gtm_platform_tests.cli.conftest import Command
from gtm_platform_tests.delivery.rows import status_of
from gtm_platform_tests.health.days import earlier
from gtm_platform_tests.tables import DAY, filled

MRR = {"mrr": 250, "mrr_reporting": 250, "currency": "usd"}


def rows(table: str, score: int) -> list[dict[str, Any]]:
    health = {"health_score": score, "health_status": status_of(score), "churn_risk": 60}
    if table.startswith("health"):
        return [{"customer_id": "jane", **health}]
    return [
        {
            "customer_id": "jane",
            "name": "Jane & <Co>",
            "customer_status": "active",
            "is_customer": True,
            **health,
            **MRR,
        }
    ]


@pytest.fixture(autouse=True)
def lake(home: Path) -> Lake:
    lake = Lake(home / "lake")
    for day, score in ((str(earlier(1)), 80), (str(DAY), 55)):
        for table in ("core/unified_customers", "health/customer_health"):
            lake.write(table, day, engine().to_pyarrow(filled(table, *rows(table, score))))
    return lake


def test_what_would_be_said_is_printed_and_nothing_is_sent(command: Command, home: Path) -> None:
    answer = command("alerts", "preview", "--home", str(home))
    assert answer.exit_code == 0, answer.output
    lines = answer.output.splitlines()
    assert lines[:2] == ["--- to SLACK_ALERT_CHANNEL", "Health drop: Jane & <Co>"]
    assert "MRR: 250 USD" in lines
    assert "Health fell from 80 (healthy) to 55 (at risk)." in lines
    assert lines[-1] == f"1 message for {DAY}. Nothing was sent."
    listed = command("alerts", "list", "--home", str(home), "--style", "json")
    assert json.loads(listed.stdout or "[]") == []


def test_another_day_or_kind(command: Command, home: Path) -> None:
    assert "0 messages" in command("alerts", "preview", "--day", str(earlier(1)), "--home", str(home)).output
    assert "0 messages" in command("alerts", "preview", "--kind", "cancel_mention", "--home", str(home)).output
    wrong = command("alerts", "preview", "--kind", "boredom", "--home", str(home))
    assert wrong.exit_code == 1
    assert "boredom: no such kind of alert; there are cancel_mention, " in wrong.output
    assert "has no day 2020-01-01" in command("alerts", "preview", "--day", "2020-01-01", "--home", str(home)).output


def test_what_was_sent_is_listed_and_not_previewed_again(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.combine(DAY, time(8), UTC)
    monkeypatch.setenv("GTM_NOW", now.isoformat())
    drop = {"score": 55, "status": "at_risk", "from_score": 80, "from_status": "healthy"}
    state = open_state(f"sqlite:///{home / 'state.db'}")
    with state.writing() as tx:
        journal.intend(
            tx, [Fact(f"health_drop:jane:{DAY}", "health_drop", "customer", "jane", str(DAY), drop)], "C1", now
        )
        journal.sent(tx, [1], "C1", "1.000000", now)
        journal.judged(tx, 1, 2, 0)
    state.close()

    assert "0 messages" in command("alerts", "preview", "--home", str(home)).output
    [row] = json.loads(command("alerts", "list", "--home", str(home), "--style", "json").stdout)
    assert (row["kind"], row["subject"], row["status"], row["useful"]) == ("health_drop", "jane", "sent", 2)
    assert row["title"] == "Health drop"
