"""A source that is declared in YAML: read against the sandbox like any other, and what is wrong with one, by line."""

import dataclasses
from base64 import b64encode
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import dagster as dg
import httpx
import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

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
from gtm_platform.http.errors import BadRequest
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.declared.build import build_source
from gtm_platform.ingest.declared.schema import SourceDeclaration
from gtm_platform.ingest.plan import PartitionWindow
from gtm_platform.ingest.source import Source, Window
from gtm_platform.ingest.stream_sync import StreamSync, WindowResult
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform_tests.ingest.syncing import RULES
from gtm_platform_tests.sources.conftest import Stand, server, stand

__all__ = ["server", "stand"]

LEDGER = Path(__file__).parents[2] / "docs/examples/extensions/listkit_ledger.yaml"
START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running(60, 3, START + 2 * DAY) as box:
        yield box


@pytest.fixture
def ledger(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Source:
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


def test_its_list_is_read_page_by_page_into_its_table(ledger: Source, lake: Lake, box: Sandbox) -> None:
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


def test_an_outage_is_waited_out(ledger: Source, lake: Lake, monkeypatch: pytest.MonkeyPatch, box: Sandbox) -> None:
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
        (
            with_value({"by": "basic", "env": "X", "user": "a", "password_env": "Y"}, "auth"),
            "auth by basic has the key as the password of `user`, or as the user of `password_env`",
        ),
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


# --- the example of the documentation, against an API that lists and signs in in every way ----------------------------

DOCUMENTED = Path(__file__).parents[2] / "docs/adding-a-source.md"
TOKEN, PASSWORD = "token_of_surveys", "password_of_surveys"
CHANGED_LATER = ("r3", "r7")  # on the second day


def documented() -> dict[str, Any]:
    """The declaration that the documentation shows."""
    section = DOCUMENTED.read_text().partition("## A source without Python")[2]
    text = section.partition("```yaml")[2].partition("```")[0]
    return dict(yaml.safe_load(text))


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


# What is declared, and what the API then expects of a call.
AUTHS: dict[str, tuple[dict[str, str], Callable[[Request], bool]]] = {
    "bearer": (
        {"by": "bearer", "env": "SURVEYS_TOKEN"},
        lambda request: request.headers.get("authorization") == f"Bearer {TOKEN}",
    ),
    "header": (
        {"by": "header", "name": "X-Api-Key", "env": "SURVEYS_TOKEN"},
        lambda request: request.headers.get("x-api-key") == TOKEN,
    ),
    "header with a prefix": (
        {"by": "header", "name": "Authorization", "prefix": "Token ", "env": "SURVEYS_TOKEN"},
        lambda request: request.headers.get("authorization") == f"Token {TOKEN}",
    ),
    "query": (
        {"by": "query", "name": "api_key", "env": "SURVEYS_TOKEN"},
        lambda request: request.query_params.get("api_key") == TOKEN,
    ),
    "basic, the key as the user": (
        {"by": "basic", "env": "SURVEYS_TOKEN"},
        lambda request: request.headers.get("authorization") == basic(TOKEN, ""),
    ),
    "basic, with a password": (
        {"by": "basic", "env": "SURVEYS_TOKEN", "password_env": "SURVEYS_PASSWORD"},
        lambda request: request.headers.get("authorization") == basic(TOKEN, PASSWORD),
    ),
    "basic, the key as the password": (
        {"by": "basic", "user": "api", "env": "SURVEYS_TOKEN"},
        lambda request: request.headers.get("authorization") == basic("api", TOKEN),
    ),
}
PAGINGS: dict[str, dict[str, Any]] = {
    "cursor": {"by": "cursor", "send_as": "cursor", "next_at": "next_cursor"},
    "page": {"by": "page", "send_as": "page"},
    "page from 0, until a flag": {"by": "page", "send_as": "page", "first": 0, "more_at": "more"},
    "offset": {"by": "offset", "send_as": "offset"},
    "last_id": {"by": "last_id", "send_as": "after", "more_at": "more"},
    "link, whole": {"by": "link", "next_at": "links.next"},
    "link, without the host": {"by": "link", "next_at": "links.path"},
    "link, only parameters": {"by": "link", "next_at": "links.query"},
    "link in a header": {"by": "link"},
    "none": {"by": "none"},
}


@dataclass
class Surveys:
    """An API with ten answers, four to a page, of which two change on the second day."""

    is_allowed: Callable[[Request], bool]
    paging: dict[str, Any]
    day: int = 0
    since: list[str | None] = field(default_factory=list)

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"id": id_, "respondent": {"email": f"{id_}@acme.example"}, "score": number, "updated_at": self._at(id_)}
            for number, id_ in enumerate(f"r{number}" for number in range(10))
        ]

    def _at(self, id_: str) -> str:
        late = self.day and id_ in CHANGED_LATER
        return (START + (DAY if late else timedelta(0)) + timedelta(hours=5)).isoformat()

    async def answers(self, request: Request) -> Response:
        if not self.is_allowed(request):
            return JSONResponse({"error": "Unauthorized"}, 401)
        params = request.query_params
        self.since.append(params.get("updated_since"))
        rows = [row for row in self.rows() if row["updated_at"] >= params.get("updated_since", "")]
        size = len(rows) if self.paging["by"] == "none" else int(params["limit"])
        first = self._first(params, [str(row["id"]) for row in rows], size)
        page, following = rows[first : first + size], first + size
        more = following < len(rows)
        query = "?" + urlencode({**params, "cursor": following})
        here = str(request.url.replace(query=""))
        links = {"next": here + query, "path": request.url.path + query, "query": query} if more else {}
        body = {"data": page, "more": more, "next_cursor": following if more else None, "links": links}
        header = {"Link": f'<{here}?x>; rel="prev", <{here}{query}>; rel="next"'} if more else {}
        return JSONResponse(body, headers=header)

    def _first(self, params: Any, ids: list[str], size: int) -> int:
        if "page" in params:
            return size * (int(params["page"]) - int(self.paging.get("first", 1)))
        if "after" in params:
            return ids.index(params["after"]) + 1
        return int(params.get("cursor") or params.get("offset") or 0)


@pytest.fixture
def surveys(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Source, Surveys]]:
    """The source of the documentation with another way to sign in or to page, and the API that it reads."""

    def made(auth: str = "bearer", paging: str = "cursor") -> tuple[Source, Surveys]:
        content = documented()["attributes"]
        declared, is_allowed = AUTHS[auth]
        content["auth"] = declared
        content["streams"][0]["paging"] = {"size": 4, "size_as": "limit", **PAGINGS[paging]}
        for name, value in (("TOKEN", TOKEN), ("PASSWORD", PASSWORD), ("BASE_URL", f"{stand.url}/v1")):
            monkeypatch.setenv(f"SURVEYS_{name}", value)
        settings.cache_clear()
        api = Surveys(is_allowed, PAGINGS[paging])
        stand.emulator = Starlette(routes=[Route("/v1/answers", api.answers)])
        return build_source(SourceDeclaration.model_validate(content)), api

    return made


def test_the_documented_example_is_the_one_that_dg_scaffolds() -> None:
    content = documented()
    assert content["type"] == f"{DeclaredSource.__module__}.DeclaredSource"
    streams, scaffolded = content["attributes"].pop("streams"), EXAMPLE["streams"]
    assert {name: value for name, value in content["attributes"].items() if name in EXAMPLE} == {
        name: value for name, value in EXAMPLE.items() if name != "streams"
    }
    assert [stream["path"] for stream in streams] == [stream["path"] for stream in scaffolded]
    assert [field["name"] for field in streams[0]["fields"]] == [field["name"] for field in scaffolded[0]["fields"]]


@pytest.mark.parametrize("paging", PAGINGS)
def test_lists_go_on_in_every_way_whole_and_for_what_changed(
    surveys: Callable[..., tuple[Source, Surveys]], lake: Lake, paging: str
) -> None:
    source, api = surveys(paging=paging)
    assert sync(source, lake, 0).rows == 10
    assert set(api.since) == {None}
    api.day, api.since = 1, []
    second = sync(source, lake, 1)
    assert (second.full, second.read) == (False, len(CHANGED_LATER))
    assert {str(since)[:10] for since in api.since} == {"2026-03-02"}  # with what may have shown late
    rows = lake.as_of("surveys/answers", "9999").to_pyarrow().to_pylist()
    assert sorted(row["id"] for row in rows) == [f"r{number}" for number in range(10)]
    assert {row["email"] for row in rows} == {f"r{number}@acme.example" for number in range(10)}
    assert sorted(row["id"] for row in rows if row["updated_at"] > START + DAY) == list(CHANGED_LATER)


@pytest.mark.parametrize("auth", AUTHS)
def test_keys_travel_in_every_way(surveys: Callable[..., tuple[Source, Surveys]], lake: Lake, auth: str) -> None:
    source, _ = surveys(auth=auth, paging="link in a header")
    assert sync(source, lake, 0).rows == 10
    assert set(source.required_env) == {name for name in AUTHS[auth][0].values() if name.startswith("SURVEYS_")}


@pytest.mark.faults("V5")
def test_the_address_of_a_next_page_elsewhere_is_not_asked(
    surveys: Callable[..., tuple[Source, Surveys]], stand: Stand
) -> None:
    source, _ = surveys(paging="link, whole")

    async def answer_with_another_host(_: Request) -> Response:
        return JSONResponse({"data": [], "links": {"next": "https://elsewhere.example/v1/answers?page=2"}})

    stand.emulator = Starlette(routes=[Route("/v1/answers", answer_with_another_host)])
    (stream,) = source.streams
    with source.open() as client, pytest.raises(BadRequest, match="only, not at https://elsewhere"):
        list(stream.pages(client, Window(START, START + DAY, full=True)))
    assert stand.requested == ["GET /v1/answers"]
