"""A process in which everything fails that can, with the environment it is given; what it prints goes where the output
of a code server goes. `python -m …trouble <file>`: it leaves there the ids of the runs by trouble and which of them
failed, and the people whom nothing may speak of."""

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import httpx
import pytest

from gtm_platform.automation.failed_runs import report_of
from gtm_platform.cli.doctor import examine
from gtm_platform.cli.runs import make, span
from gtm_platform.definitions import defs
from gtm_platform.delivery.alerts import ops_alerts
from gtm_platform.delivery.alerts.kinds import run_failed
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import SlackChannel
from gtm_platform.delivery.hubspot.client import open_client
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.ingest.source import Source
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.orchestration.instance import instance
from gtm_platform.settings import settings, settings_of
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform_tests.e2e.home import Control, midnight, windows_of
from gtm_platform_tests.faults.canaries import CANARIES, DAY, echoing, knowing_the_canaries, people, spoil
from gtm_platform_tests.faults.quiet_worlds import nobody_waits

ADDRESS = ("_BASE_URL", "_HOST")  # how variables of addresses end
KEYS = sorted(
    name.upper()
    for kind in (*(source.settings for source in SCHEDULED), SlackSettings)
    for name, field in kind.model_fields.items()
    if "Secret" in repr(field.annotation)
)
WITH_API = [source for source in SCHEDULED if source.required_env]  # a folder of files refuses nobody
FIRST = [
    source for source in SCHEDULED if source.name in ("hubspot", "intercom", "stripe")
]  # the others go the same ways


def keys() -> list[str]:
    """The variables of keys that the sandbox has: it plays no service that lands tables."""
    return [name for name in KEYS if name in os.environ]


EventData = dict[str, dict[str, bool]]


@contextmanager
def environment(**changed: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in changed.items():
            patch.setenv(name, value)
        settings.cache_clear()
        yield
    settings.cache_clear()


def reached_at(url: str) -> dict[str, str]:
    addresses = [name for name in os.environ if name.endswith(ADDRESS)]
    return {name: f"{url}/{'api/' if name.startswith('SLACK') else ''}" for name in addresses}


class Troubles:
    def __init__(self, dagster: dg.DagsterInstance, echo: str, person: dict[str, str]) -> None:
        self.instance, self.echo, self.person = dagster, echo, person
        self.outcomes: EventData = {}
        self.day = settings().now().date().replace(day=1)

    def run(self, trouble: str, *jobs: str, **config: Any) -> None:
        windows = {job: (first, last) for job, first, last in windows_of(self.day)}
        for job in jobs:
            first, last = windows.get(job, (str(self.day), str(self.day)))
            ran = defs.resolve_job_def(job).execute_in_process(
                instance=self.instance, raise_on_error=False, tags=span(first, last), **config
            )
            self.outcomes.setdefault(trouble, {})[ran.run_id] = ran.success
            if not ran.success:
                self.alert(ran)

    def alert(self, ran: dg.ExecuteInProcessResult) -> None:
        """What the sensor of failed runs does; Slack itself may be what does not work."""
        failed = report_of(self.instance, ran.dagster_run)
        facts = run_failed.ALERT.facts_of([failed] if failed else [], str(self.day))
        try:
            print(ops_alerts.send([run_failed.ALERT.kind], facts))
        except Exception:
            traceback.print_exc()  # as the daemon does

    def sources(self, trouble: str, among: Sequence[Source] = WITH_API) -> None:
        self.run(trouble, *(f"sync_{source.name}" for source in among))

    def all(self) -> None:
        self.sources("none")
        self.run("none", "daily_tables")
        self.refusals()
        self.run("none", "deliver")
        self.answers()
        self.keys()
        self.states()
        self.errors()
        self.shown()

    def answers(self) -> None:
        for status in (401, 302, 200):
            with environment(**reached_at(f"{self.echo}/{status}")):
                self.sources(f"echo {status}", WITH_API if status == 200 else FIRST)
                self.run(f"echo {status}", "deliver")
                examine()
        with environment(**reached_at("http://127.0.0.1:1")):
            self.sources("nobody there", FIRST)
            self.run("nobody there", "deliver")
            examine()

    def keys(self) -> None:
        """One copied with a line break in the middle, and one that is not accepted."""
        for trouble, change in {
            "broken key": lambda key: key[:12] + "\n" + key[12:],
            "wrong key": str.swapcase,
        }.items():
            with environment(**{name: change(os.environ[name]) for name in keys()}):
                self.sources(trouble, WITH_API if trouble == "wrong key" else FIRST)
                self.run(trouble, "deliver")
                make("stripe/charges", str(self.day), None)  # `gtm run`

    def states(self) -> None:
        password = os.environ["CANARY_PASSWORD"]
        for address in ("127.0.0.1:1/gtm", "127.0.0.1:port/gtm", "[half/gtm"):
            with environment(GTM_STATE_URL=f"postgresql://gtm:{password}@{address}"):
                self.run(f"state {address}", "deliver")
        for url in (f"nosuch://gtm:{password}@127.0.0.1/gtm", f"gtm:{password}"):
            with environment(GTM_STATE_URL=url):
                self.run(f"state {url[:4]}", "deliver")

    def errors(self) -> None:
        """Of libraries and of connectors, which speak of whatever they hold."""
        secrets = " ".join(os.environ[name] for name in keys())
        said = f"Could not convert '{self.person['name']}' <{self.person['email']}> of {secrets}"
        error = ValueError(f"Bearer {secrets}: {said}")
        error.__cause__ = duckdb.ConversionException(said)

        def fail(*_: object, **__: object) -> Any:
            raise error

        places = {
            "sync_stripe": "sources.stripe.client.Stripe.pages",
            "sync_hubspot": "sources.hubspot.client.HubSpotClient.page",
            "daily_tables": "lake.daily_table._read",
            "deliver": "delivery.alerts.customer_alerts.read_customers",
        }
        for job, place in places.items():
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(f"gtm_platform.{place}", fail)
                self.run(f"error in {place}", job)

    def refusals(self) -> None:
        box = os.environ["HUBSPOT_BASE_URL"].removesuffix("/hubspot")
        message = {
            "message": f"A contact with the e-mail {self.person['email']} exists already.",
            "category": "CONFLICT",
        }
        fault = {"system": "hubspot", "path": "/crm/v3/objects/contacts/batch/update", "status": 409, "body": message}
        httpx.post(f"{box}/_sandbox/faults", json=fault, trust_env=False).raise_for_status()
        self.run("contact refused", "deliver")
        httpx.delete(f"{box}/_sandbox/faults", trust_env=False).raise_for_status()

    def shown(self) -> None:
        """What somebody prints who looks for a mistake."""
        objects: list[object] = [
            settings(),
            LakeResource(),
            open_client(settings_of(HubSpotDeliverySettings)),
            SlackChannel.of(settings_of(SlackSettings)),
        ]
        for source in SCHEDULED:
            with source.open() as client:
                objects += [source, client, vars(client) if client else None]  # of what only sends there is none
        for each in objects:
            logging.getLogger("somebody").warning("%r", each)
            print(each)


def main(report: str) -> None:
    nobody_waits(pytest.MonkeyPatch())
    with echoing() as echo, knowing_the_canaries(Path(os.environ["GTM_HOME"])) as box:
        person, now = spoil(box.world), midnight(DAY) + timedelta(days=1)
        Control(box.url).set_clock(now)
        with environment(**{**box.env, **CANARIES, "GTM_NOW": now.isoformat()}), instance() as dagster:
            troubles = Troubles(dagster, echo, person)
            troubles.all()
            secrets = [os.environ[name] for name in keys()]
        Path(report).write_text(
            json.dumps({"runs": troubles.outcomes, "people": sorted(people(box.world)), "secrets": secrets})
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
