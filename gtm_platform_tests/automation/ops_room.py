"""What tests of the data team's notifications share: a real Dagster storage on SQLite beside the sandbox's Slack."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from gtm_platform.sandbox.server import Sandbox
from gtm_platform.settings import settings
from gtm_platform_tests.e2e.home import Control

OPS_CHANNEL, CUSTOMER_CHANNEL = "C0OPSROOM1", "C0ALERTS01"
RETRIES = {"run_retries": {"enabled": True, "max_retries": 1, "retry_on_asset_or_op_failure": False}}


@dataclass
class OpsRoom:
    """An instance of Dagster, the graph that it runs, and what arrived in Slack."""

    instance: dg.DagsterInstance
    box: Sandbox
    defs: dg.Definitions = field(default_factory=dg.Definitions)
    cursors: dict[str, str | None] = field(default_factory=dict)

    def tick(self, sensor: dg.SensorDefinition) -> str:
        """One tick of the sensor, as the daemon gives it; returns what it says."""
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursors.get(sensor.name), definitions=self.defs
        )
        outcome = sensor(context)
        assert isinstance(outcome, dg.SkipReason)
        self.cursors[sensor.name] = context.cursor
        return outcome.skip_message or ""

    def titles(self) -> list[str]:
        """The headings of what arrived since the last call."""
        titles = [self.heading(message.blocks) for message in self.box.world.slack.messages]
        assert {message.channel for message in self.box.world.slack.messages} <= {OPS_CHANNEL}
        self.box.world.slack.messages.clear()
        return titles

    @staticmethod
    def heading(blocks: list[dict[str, Any]]) -> str:
        """The heading of a message."""
        return str(next(block["text"]["text"] for block in blocks if block["type"] == "header"))

    @property
    def control(self) -> Control:
        """The sandbox's own routes."""
        return Control(self.box.url)


@contextmanager
def ops_room(box: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpsRoom]:
    """A home of its own, and a Slack in which nothing was posted yet."""
    box.world.slack.messages.clear()
    box.world.slack.channels.update({OPS_CHANNEL: "gtm-data-ops", CUSTOMER_CHANNEL: "gtm-alerts"})
    home = {
        **box.env,
        "GTM_HOME": str(folder / "home"),
        "SLACK_OPS_CHANNEL": OPS_CHANNEL,
        "SLACK_ALERT_CHANNEL": CUSTOMER_CHANNEL,
        "GTM_UI_URL": "http://dagster.example:3000/",
    }
    for name, value in home.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    (folder / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(folder / "dagster"), overrides=RETRIES) as instance:
        yield OpsRoom(instance, box)
    settings.cache_clear()
