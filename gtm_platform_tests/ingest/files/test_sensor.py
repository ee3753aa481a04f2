"""The sensor that notices files, the run that it requests, and what Dagster and the data team hear of them."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from gtm_platform.automation.dropped_files import read_file_news
from gtm_platform.ingest.assets import definitions_of
from gtm_platform.ingest.files.sensor import pick_up_files
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform_tests.ingest.files.drops import NOW, Place
from gtm_platform_tests.ingest.syncing import RULES

GOOD, MIXED = "email,age\na@b.example,3\n", "email,age\na@b.example,3\njane@b.example,old\n"


class Daemon:
    """Ticks of the sensor, and the runs that it requests."""

    def __init__(self, place: Place, instance: dg.DagsterInstance) -> None:
        self.instance, self.place, self.cursor = instance, place, ""
        self.defs = dg.Definitions.merge(
            definitions_of(place.source, lambda: RULES), dg.Definitions(resources={"lake": LakeResource()})
        )
        self.sensor = pick_up_files([place.source], list(self.defs.jobs or ()))  # type: ignore[arg-type]
        self.keys: set[str] = set()

    def tick(self) -> list[dg.RunRequest]:
        """The requests that are new to Dagster."""
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor or None)
        result = self.sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor or ""
        new = [request for request in result.run_requests or [] if request.run_key not in self.keys]
        self.keys |= {str(request.run_key) for request in new}
        return new

    def run(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        job = self.defs.resolve_job_def(request.job_name or "")
        return job.execute_in_process(
            instance=self.instance, tags={**request.tags, "dagster/sensor_name": "pick_up_files"}, raise_on_error=False
        )


@pytest.fixture
def daemon(place: Place) -> Iterator[Daemon]:
    with dg.DagsterInstance.ephemeral() as instance, dg.partition_loading_context(effective_dt=place.now):
        yield Daemon(place, instance)


def test_a_file_is_requested_once_it_lies_still(daemon: Daemon, place: Place) -> None:
    assert daemon.tick() == []
    place.drop("guests.csv", "email\n")
    assert daemon.tick() == []  # it may still be written
    place.drop("guests.csv", GOOD)
    assert daemon.tick() == []
    [request] = daemon.tick()
    assert (request.job_name, request.tags) == ("sync_guests", {"dagster/partition": "2026-03-04"})
    assert daemon.tick() == []
    assert daemon.run(request).success
    assert daemon.tick() == []
    assert the_lake().as_of("guests/guests", "9999").count().to_pyarrow().as_py() == 1


def test_what_was_picked_up_and_not_read_is_requested_again(daemon: Daemon, place: Place) -> None:
    place.drop("guests.csv", GOOD)
    place.folder.collect()
    [request] = daemon.tick()
    assert request.tags == {"dagster/partition": "2026-03-04"}
    assert daemon.tick() == []
    assert daemon.run(request).success
    assert place.folder.unread() == []


def test_dagster_says_in_words_what_came_of_the_file(daemon: Daemon, place: Place) -> None:
    place.drop("guests.csv", MIXED)
    daemon.tick()
    ran = daemon.run(daemon.tick()[0])
    [made] = ran.get_asset_materialization_events()
    metadata: dict[str, Any] = {name: value.value for name, value in made.materialization.metadata.items()}
    sentence = "guests.csv: 1 of 2 rows accepted as guests, 1 quarantined (line 3: age is not a whole number)."
    assert metadata["files_read"] == sentence
    [row] = [record.data for record in made.materialization.metadata["files"].records]  # type: ignore[attr-defined]
    assert row["why"] == "line 3: age is not a whole number"
    assert "jane" not in str(ran.all_events)


def test_the_news_of_a_file_are_told_once(daemon: Daemon, place: Place) -> None:
    news, cursor = read_file_news(None, NOW)
    assert news == []
    place.drop("guests.csv", MIXED)
    place.drop("other.csv", "who,what\njane@b.example,tea\n")
    daemon.tick()
    ran = daemon.run(daemon.tick()[0])
    news, cursor = read_file_news(cursor, NOW)
    by_name = {each.name: each for each in news}
    assert by_name["guests.csv"].why.startswith("guests.csv: 1 of 2 rows accepted")
    assert by_name["guests.csv"].run_id == ran.run_id
    assert by_name["other.csv"].is_refused
    assert "jane" not in str(news)
    place.drop("copy.csv", MIXED)
    place.folder.collect()
    again, _ = read_file_news(cursor, NOW)
    assert [each.name for each in again if each.is_repeated] == ["guests.csv"]


def test_a_file_of_another_layout_is_no_change_of_the_schema(daemon: Daemon, place: Place) -> None:
    for name, heading in (("1.csv", "email"), ("2.csv", "mail")):
        place.drop(name, f"{heading},age,{name}\n" + "".join(f"p{n}@b.example,{n},x\n" for n in range(60)))
        daemon.tick()
        ran = daemon.run(daemon.tick()[0])
    verdicts = {each.check_name: each.passed for each in ran.get_asset_check_evaluations()}
    assert verdicts == {"nothing_quarantined": True, "schema_unchanged": True}
