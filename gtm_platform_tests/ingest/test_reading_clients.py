"""A client that reads streams in its own way: some it cannot, what comes before, and what cannot be opened."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg
import pytest

from gtm_platform.http.errors import BadRequest, Unavailable
from gtm_platform.http.pages import Page
from gtm_platform.ingest.assets import asset_of
from gtm_platform.ingest.record import Id, Record, at, deleted, with_facts
from gtm_platform.ingest.source import Schedule, Source, Stream, Window
from gtm_platform.ingest.source_run import TRANSIENT_TAG
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.settings import settings
from gtm_platform.sources.intercom.settings import IntercomSettings
from gtm_platform_tests.ingest.syncing import RULES

DAY = "2026-03-01"


class Fish(Record):
    """A fish that was seen."""

    id: Id = at("id", default=...)


def unasked(_: Any, __: Window) -> Iterator[Page]:
    raise AssertionError("its own way of reading is not the client's")


def netted(_: Any, __: Window) -> Iterator[Page]:
    yield [b'{"id": "carp"}', deleted(b'{"id": "eel"}'), with_facts(b'{"id": "perch"}', pond=1)]


@dataclass(frozen=True)
class Net:
    """A client with a way of its own."""

    def adapt(self, stream: Stream) -> Stream | str:
        return replace(stream, pages=netted) if stream.name == "fish" else f"pond/{stream.name} is off: no hook."

    def notes(self) -> list[str]:
        return ["pond/frogs is off: no hook."]


def pond(connect: Callable[[Any], AbstractContextManager[Any]], prepare: Callable[[Any], None] | None = None) -> Source:
    streams = (Stream("fish", Fish, unasked, "full_refresh"), Stream("frogs", Fish, unasked, "full_refresh"))
    return Source("pond", Schedule(24), IntercomSettings, connect, lambda _: "still", streams, prepare=prepare)


@pytest.fixture(autouse=True)
def _soon_after_the_day(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "token")
    monkeypatch.setenv("GTM_NOW", "2026-03-02T00:15:00+00:00")
    settings.cache_clear()
    return


def run(source: Source) -> dg.ExecuteInProcessResult:
    assets = asset_of(source, lambda: RULES)
    return dg.materialize([assets], partition_key=DAY, resources={"lake": LakeResource()}, raise_on_error=False)


def test_a_stream_that_cannot_be_read_is_left_out_and_the_run_succeeds(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(pond(lambda _: nullcontext(Net())))
    assert ran.success
    made = [event.asset_key.path[-1] for event in ran.get_asset_materialization_events() if event.asset_key]
    assert made == ["fish"]
    assert "pond/frogs is off: no hook." in capsys.readouterr().err


def test_a_record_that_is_marked_as_deleted_is_not_shown() -> None:
    run(pond(lambda _: nullcontext(Net())))
    rows = the_lake().partition("pond/fish", DAY).select("id", "_deleted").to_pyarrow().to_pylist()
    assert {row["id"]: row["_deleted"] for row in rows} == {"carp": False, "eel": True, "perch": False}
    shown = the_lake().as_of("pond/fish", "2026-03-02").select("id").to_pyarrow()["id"].to_pylist()
    assert sorted(shown) == ["carp", "perch"]


def test_what_cannot_be_opened_fails_the_run_with_a_sentence() -> None:
    @contextmanager
    def connect(_: Any) -> Iterator[Any]:
        raise Unavailable("Pond", "The pond is frozen.")
        yield

    ran = run(pond(connect))
    assert not ran.success
    (failed,) = [event for event in ran.all_events if event.is_step_failure]
    data: Any = failed.step_failure_data.user_failure_data
    assert data.description == "pond: nothing was read. account: The pond is frozen."
    assert ran.dagster_run.tags.get(TRANSIENT_TAG, "true") == "true"


def test_what_cannot_be_made_ready_is_read_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    def prepare(_: Any) -> None:
        raise BadRequest("Pond", "The pond was not fed.")

    ran = run(pond(lambda _: nullcontext(Net()), prepare))
    assert ran.success
    assert "The pond was not fed." in capsys.readouterr().err
