"""A source that is declared in YAML: read against the sandbox like any other, and what is wrong with one, by line."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest
import yaml

from gtm_platform.automation.definitions import automated
from gtm_platform.definitions import platform
from gtm_platform.extensions.declared_source import (
    EXAMPLE,
    BrokenDeclaration,
    DeclarationFile,
    DeclaredSource,
    ExampleScaffolder,
    declared_sources,
)
from gtm_platform.extensions.location import platform_resources
from gtm_platform.extensions.merging import merge
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.declared.build import build_source
from gtm_platform.ingest.declared.schema import SourceDeclaration
from gtm_platform.ingest.plan import PartitionWindow
from gtm_platform.ingest.source import Source, Window
from gtm_platform.ingest.stream_sync import StreamSync, WindowResult
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox import server
from gtm_platform.settings import settings
from gtm_platform_tests.ingest.syncing import RULES

LEDGER = Path(__file__).parents[2] / "docs/examples/extensions/listkit_ledger.yaml"
START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def box() -> Iterator[server.Sandbox]:
    with server.running(60, 3, START + 2 * DAY) as box:
        yield box


@pytest.fixture
def ledger(box: server.Sandbox, monkeypatch: pytest.MonkeyPatch) -> Source:
    for variable, value in box.env.items():
        monkeypatch.setenv(variable, value)
    settings.cache_clear()
    return build_source(DeclarationFile(LEDGER).read())


def sync(source: Source, lake: Lake, day: int, **options: Any) -> WindowResult:
    start = START + day * DAY
    window = PartitionWindow(f"{start:%Y-%m-%d}", start, start + DAY)
    (stream,) = source.streams
    with source.open() as client:
        (result,) = StreamSync(lake, source, stream, RULES, window.end, "run", **options).sync(client, [window])
    return result


def test_its_list_is_read_page_by_page_into_its_table(ledger: Source, lake: Lake, box: server.Sandbox) -> None:
    result = sync(ledger, lake, 0)
    assert result.full
    assert result.quarantined == 0
    rows = lake.as_of("listkit_ledger/credit_transactions", "9999").to_pyarrow().to_pylist()
    assert len(rows) > 40
    assert {row["account_id"] for row in rows} <= set(box.world.listkit_admin.accounts)
    assert all(f'"transaction_id":"{row["id"]}"' in row["payload"] for row in rows)
    later = sync(ledger, lake, 1)
    assert not later.full
    assert 0 < later.read < result.read


def test_it_inherits_what_holds_for_every_source(ledger: Source, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad record is quarantined, a deletion arrives, and without its key it is off."""
    sync(ledger, lake, 0)
    (stream,) = ledger.streams
    left_out: list[str] = []

    def spoilt(client: Any, window: Any) -> Iterator[list[bytes]]:
        for page in stream.pages(client, window):
            left_out.append(page[0].decode())
            yield [*page[1:], b'{"nonsense": true}']

    before = lake.as_of("listkit_ledger/credit_transactions", "9999").count().to_pyarrow().as_py()
    other = dataclasses.replace(ledger, streams=(dataclasses.replace(stream, pages=spoilt),))
    result = sync(other, lake, 0, full_refresh=True)
    assert result.quarantined == 1
    assert result.rows == before - len(left_out)
    monkeypatch.delenv("LISTKIT_ADMIN_TOKEN")
    settings.cache_clear()
    assert ledger.off() == "listkit_ledger is off: set LISTKIT_ADMIN_TOKEN (see .env.example)"


def test_an_outage_is_waited_out(
    ledger: Source, lake: Lake, monkeypatch: pytest.MonkeyPatch, box: server.Sandbox
) -> None:
    waits: list[float] = []
    policy = partial(RetryPolicy, sleep=waits.append)
    monkeypatch.setattr("gtm_platform.ingest.declared.build.RetryPolicy", policy)
    fault = {"system": "listkit_admin", "status": 503, "times": 1}
    httpx.post(f"{box.url}/_sandbox/faults", json=fault, trust_env=False).raise_for_status()
    sync(ledger, lake, 0)
    httpx.delete(f"{box.url}/_sandbox/faults", trust_env=False)
    assert waits


def test_as_a_file_of_an_extension_it_is_a_part_of_the_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/ledger.yaml").write_text(LEDGER.read_text())
    (tmp_path / "own/something_else.yaml").write_text("type: mine\n")
    monkeypatch.setenv("GTM_EXTENSIONS", str(tmp_path / "own"))
    settings.cache_clear()
    for _ in range(2):  # `gtm doctor` loads them once more
        merged, broken = merge(platform(), automated)
        assert broken == []
    assert merged.resolve_job_def("sync_listkit_ledger")
    assert merged.resolve_schedule_def("listkit_ledger_schedule").cron_schedule == "30 0 * * *"
    asset = merged.resolve_asset_graph().get(dg.AssetKey(["listkit_ledger", "credit_transactions"]))
    assert asset.group_name == "listkit_ledger"
    assert "listkit_ledger" in [source.name for source in declared_sources()]
    assert contract_of("listkit_ledger/credit_transactions").columns["amount"].type == "decimal(24, 6)"


def test_a_broken_file_is_left_out_and_names_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ledger.yaml").write_text(LEDGER.read_text().replace("type: amount", "type: money"))
    monkeypatch.setenv("GTM_EXTENSIONS", str(tmp_path))
    settings.cache_clear()
    _, [broken] = merge(platform(), automated)
    assert "ledger.yaml, line 26: streams.0.fields.3.type is none of 'id', 'text'" in str(broken)


def without(*path: Any) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        place: Any = content
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return edit


def with_value(value: Any, *path: Any) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        place: Any = content
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (without("base_url"), "line 2: base_url is missing"),
        (with_value("x", "colour"), "colour is no field of it"),
        (with_value("Surveys", "name"), "line 3: name is not written as it should be"),
        (with_value("surveys_token", "auth", "env"), "auth.env is not written as it should be"),
        (with_value({"by": "header", "env": "X"}, "auth"), "auth by header needs the name of the header"),
        (with_value(5, "hours"), "hours is none of 1, 2, 3"),
        (with_value("answers", "streams", 0, "path"), "streams.0.path is not written as it should be"),
        (with_value(["who"], "streams", 0, "key"), "answers has no field who, which its key or `changed` names"),
        (with_value({"by": "page"}, "streams", 0, "paging"), "needs the parameter that asks for the next page"),
        (with_value("text", "streams", 0, "fields", 3, "type"), "updated_at of answers says when a record changed"),
        (with_value([], "streams"), "streams list should have at least 1 item"),
    ],
)
def test_mistakes_are_sentences_with_their_line(tmp_path: Path, edit: Edit, sentence: str) -> None:
    content = deepcopy(EXAMPLE)
    edit(content)
    path = tmp_path / "surveys.yaml"
    path.write_text(
        "type: x\nattributes:\n"
        + "".join(f"  {line}\n" for line in yaml.safe_dump(content, sort_keys=False).splitlines())
    )
    with pytest.raises(BrokenDeclaration, match=r"surveys\.yaml, line \d+: ") as caught:
        DeclarationFile(path).read()
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("a: [", "line 1: it is no YAML"), ("a: 1", "line 1: it needs `type:"), ("", "line 1: it needs")],
)
def test_what_is_no_declaration_is_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(BrokenDeclaration) as caught:
        DeclarationFile(tmp_path / "x.yaml").read()
    assert f"x.yaml, {sentence}" in str(caught.value)


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(LEDGER.read_text().replace("name: listkit_ledger ", "name: stripe "))
    with pytest.raises(BrokenDeclaration, match="line 5: stripe is taken"):
        DeclarationFile(tmp_path / "x.yaml").definitions()


def test_as_a_component_dagster_loads_and_scaffolds_it(tmp_path: Path) -> None:
    name = f"{DeclaredSource.__module__}.DeclaredSource"
    request: Any = dg.ScaffoldRequest(name, tmp_path, "yaml", None, None)
    ExampleScaffolder().scaffold(request)
    content = yaml.safe_load((tmp_path / "defs.yaml").read_text())
    assert content == {"type": name, "attributes": EXAMPLE}
    component = DeclaredSource.from_attributes_dict(attributes=content["attributes"])
    built = component.build_defs(dg.ComponentTree.for_test().load_context)
    defs = dg.Definitions.merge(built, dg.Definitions(resources=dict(platform_resources())))
    assert defs.resolve_job_def("sync_surveys")


class TenRecords:
    """An API that lists ten records, four to a page, in one way."""

    def __init__(self, by: str) -> None:
        self.by, self.ids = by, [f"r{number}" for number in range(10)]

    def get(self, _: str, params: dict[str, Any], **__: Any) -> bytes:
        first = 0
        if "at" in params:
            at = params["at"]
            first = {"page": lambda: 4 * (at - 1), "offset": lambda: at, "last_id": lambda: self.ids.index(at) + 1}[
                self.by
            ]()
        last = 10 if self.by == "none" else first + 4
        page = {"data": [{"id": id_} for id_ in self.ids[first:last]], "more": last < 10}
        return json.dumps(page, separators=(",", ":")).encode()


@pytest.mark.parametrize("by", ["page", "offset", "last_id", "none"])
def test_lists_go_on_in_every_way(by: str) -> None:
    more = {"more_at": "more"} if by == "last_id" else {}
    paging = {"by": by} if by == "none" else {"by": by, "send_as": "at", "size": 4, **more}
    stream = {**EXAMPLE["streams"][0], "changed": None, "paging": paging}
    (built,) = build_source(SourceDeclaration.model_validate({**EXAMPLE, "streams": [stream]})).streams
    pages = built.pages(TenRecords(by), Window(START, START + DAY, full=True))
    assert [raw.decode() for page in pages for raw in page] == [f'{{"id":"r{n}"}}' for n in range(10)]
