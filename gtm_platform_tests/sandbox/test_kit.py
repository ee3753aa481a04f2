"""The kit by a sixth emulator: one package beside the others is discovered, guarded, paged, limited and persisted."""

import base64
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request

import gtm_platform.sandbox
from gtm_platform.sandbox.kit import render
from gtm_platform.sandbox.kit.authentication import basic_password, basic_user, bearer_token
from gtm_platform.sandbox.kit.emulator import discover
from gtm_platform.sandbox.kit.limits import WINDOWS, KeyedLimits, Limit, Rate, RateHeaders, speed_variables
from gtm_platform.sandbox.server import running

SOURCE = Path(__file__).with_name("surveys.py")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
PEOPLE = 10
KEY = {"X-Api-Key": "survey-key"}
SYSTEMS = [
    "calendly", "chartmogul", "chroma_admin", "clay", "crossbeam", "factors", "fathom", "ga4", "github", "hookbin",
    "hubspot",
    "intercom", "listkit_admin", "orb", "partnerstack", "posthog", "reodev", "slack", "stripe", "sumble", "userflow",
    "youtube", "zoominfo",
]  # fmt: skip
RECEIVERS = {"hookbin"}  # the platform is given their address by a person, and they limit nobody


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder of the sandbox that holds one more system."""
    folder = tmp_path / "packages" / "surveys"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(SOURCE.read_text())
    monkeypatch.setattr(gtm_platform.sandbox, "__path__", [*gtm_platform.sandbox.__path__, str(folder.parent)])
    yield
    sys.modules.pop("gtm_platform.sandbox.surveys", None)
    vars(gtm_platform.sandbox).pop("surveys", None)


@contextmanager
def surveys(home: Path | None = None) -> Iterator[httpx.Client]:
    """A client of the sixth system in a running sandbox, by the address that the sandbox names."""
    with running(people=PEOPLE, seed=3, now=NOW, home=home) as sandbox:
        assert sandbox.env["SURVEYS_API_KEY"] == "survey-key"
        with httpx.Client(base_url=sandbox.env["SURVEYS_BASE_URL"], trust_env=False) as client:
            yield client


def ids(answer: httpx.Response) -> list[str]:
    return [each["id"] for each in answer.json()["answers"]]


def walk(client: httpx.Client, way: str, parameter: str, **more: Any) -> list[list[str]]:
    """The pages of a list, following what each says is next, until a page says that there is none."""
    pages, sent = [], dict(more)
    while True:
        answer = client.get(f"/answers/by/{way}", params=sent, headers=KEY).json()
        pages.append([each["id"] for each in answer["answers"]])
        if answer["next"] is None:
            return pages
        sent = {**more, parameter: answer["next"]}


def numbered(*places: int) -> list[str]:
    return [f"ans_{place:03}" for place in places]


def test_systems_are_discovered_in_their_packages() -> None:
    assert [each.name for each in discover()] == SYSTEMS


def test_every_system_names_its_address_and_its_limits() -> None:
    for emulator in [each for each in discover() if each.name not in RECEIVERS]:
        variables = emulator.environment("http://127.0.0.1:1/here")
        assert all(name.startswith(emulator.name.upper()) for name in variables)
        assert any(value.startswith("http://127.0.0.1:1/here") for value in variables.values())
        assert emulator.limits


@pytest.mark.usefixtures("package")
class TestASixthSystem:
    def test_it_is_discovered_and_shown(self) -> None:
        assert "surveys" in [each.name for each in discover()]
        with running(people=PEOPLE, seed=3, now=NOW) as sandbox:
            answers = httpx.get(f"{sandbox.url}/_sandbox/surveys/answers", trust_env=False).json()["answers"]
        assert len(answers) == PEOPLE
        assert answers[0]["at"] == "2026-01-01T00:00:00+00:00"

    def test_a_key_is_taken_in_each_declared_place_and_nowhere_else(self) -> None:
        path = "/answers/by/cursor"
        with surveys() as client:
            assert client.get(path, headers=KEY).status_code == 200
            assert client.get(path, auth=("survey-key", "")).status_code == 200
            assert client.get(path, params={"api_key": "survey-key"}).status_code == 200
            refusals = [
                client.get(path),
                client.get(path, headers={"X-Api-Key": "other"}),
                client.get(path, headers={"Authorization": "Bearer survey-key"}),
                client.get(path, headers={"Authorization": "Basic nonsense"}),
            ]
        assert [each.status_code for each in refusals] == [401] * 4
        assert refusals[0].json()["errors"] == [
            {"title": "The API key is missing.", "code": "unauthorized", "source": None}
        ]
        assert refusals[1].json()["errors"][0]["title"] == "The API key is wrong."

    @pytest.mark.parametrize(
        ("way", "parameter"),
        [("cursor", "after"), ("last_id", "starting_after"), ("number", "page"), ("offset", "offset")],
    )
    def test_each_way_of_paging_reads_everything_once(self, way: str, parameter: str) -> None:
        with surveys() as client:
            pages = walk(client, way, parameter)
            assert pages == [numbered(0, 1, 2, 3), numbered(4, 5, 6, 7), numbered(8, 9)]
            assert walk(client, way, parameter, limit=10) == [numbered(*range(PEOPLE))]

    def test_a_scroll_reads_everything_once_and_is_the_only_one(self) -> None:
        with surveys() as client:
            first = client.get("/answers/by/scroll", headers=KEY).json()
            assert "already open" in client.get("/answers/by/scroll", headers=KEY).text
            assert "unknown" in client.get("/answers/by/scroll", params={"scroll_param": "x"}, headers=KEY).text
            rest = walk(client, "scroll", "scroll_param", scroll_param=first["next"])
        assert [len(page) for page in rest] == [4, 2, 0]

    def test_a_list_by_last_id_goes_back(self) -> None:
        with surveys() as client:
            answer = client.get("/answers/by/last_id", params={"ending_before": "ans_006"}, headers=KEY)
            assert ids(answer) == numbered(2, 3, 4, 5)
            assert answer.json()["next"] == "ans_002"

    @pytest.mark.parametrize(
        ("way", "sent", "field"),
        [
            ("cursor", {"limit": "11"}, "limit"),
            ("cursor", {"limit": "0"}, "limit"),
            ("cursor", {"limit": "many"}, "limit"),
            ("cursor", {"after": "!"}, "after"),
            ("last_id", {"starting_after": "ans_999"}, "starting_after"),
            ("number", {"page": "0"}, "page"),
            ("offset", {"offset": "-1"}, "offset"),
            ("cursor", {"since": "soon"}, "since"),
            ("cursor", {"promoter": "perhaps"}, "promoter"),
        ],
    )
    def test_a_parameter_that_cannot_be_read_is_refused_by_name(
        self, way: str, sent: dict[str, str], field: str
    ) -> None:
        with surveys() as client:
            refusal = client.get(f"/answers/by/{way}", params=sent, headers=KEY)
        assert refusal.status_code == 400
        assert refusal.json()["errors"][0]["source"] == field

    @pytest.mark.parametrize(
        ("sent", "expected"),
        [
            ({"email": "p4@acme.example"}, numbered(4)),
            ({"score": "1,2"}, numbered(1, 2)),
            ({"since": "2026-01-01T08:00:00Z"}, numbered(8, 9)),
            ({"since": "1767254400", "until": "1767258000000"}, numbered(8)),
            ({"mentions": "P7@"}, numbered(7)),
            ({"promoter": "true"}, numbered(9)),
            ({"promoter": "false", "since": "2026-01-01T08:00:00Z"}, numbered(8)),
        ],
    )
    def test_lists_are_filtered(self, sent: dict[str, str], expected: list[str]) -> None:
        with surveys() as client:
            assert ids(client.get("/answers/by/cursor", params=sent, headers=KEY)) == expected

    def test_one_call_too_many_is_refused_with_the_headers_of_the_limit(self) -> None:
        with surveys() as client:
            answers = [client.get("/answers/by/cursor", headers=KEY) for _ in range(21)]
        assert [each.status_code for each in answers] == [200] * 20 + [429]
        assert [answers[0].headers["X-Limit"], answers[0].headers["X-Remaining"]] == ["20", "19"]
        assert "Retry-After" not in answers[0].headers
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        assert "20 calls within 60 seconds" in answers[-1].json()["errors"][0]["title"]

    def test_an_unknown_address_is_refused_in_the_systems_shape(self) -> None:
        with surveys() as client:
            refusal = client.get("/nowhere", headers=KEY)
            assert refusal.json()["errors"][0]["title"] == "GET /nowhere does not exist."
            assert client.put("/answers", headers=KEY).status_code == 404
            assert client.get("/nowhere").status_code == 401

    def test_a_body_that_is_no_object_is_refused(self) -> None:
        with surveys() as client:
            for content in (b"nonsense", b"[]"):
                refusal = client.post("/answers", content=content, headers=KEY)
                assert (refusal.status_code, refusal.json()["errors"][0]["source"]) == (400, "body")
            assert client.post("/answers", headers=KEY).json()["errors"][0]["code"] == "missing"

    def test_a_write_outlives_a_restart(self, tmp_path: Path) -> None:
        with surveys(tmp_path / "home") as client:
            written = client.post("/answers", json={"email": "new@acme.example", "score": 9}, headers=KEY)
        assert written.status_code == 201
        with surveys(tmp_path / "home") as client:
            again = client.get("/answers/by/cursor", params={"email": "new@acme.example"}, headers=KEY).json()
        assert again["answers"] == [written.json()]


def request(authorization: str) -> Request:
    return Request({"type": "http", "headers": [(b"authorization", authorization.encode())]})


def test_a_key_may_be_the_password_of_basic_authentication() -> None:
    encoded = base64.b64encode(b"anybody:survey-key").decode()
    assert [basic_user(request(f"Basic {encoded}")), basic_password(request(f"basic {encoded}"))] == [
        "anybody",
        "survey-key",
    ]
    assert basic_password(request("Basic nonsense")) == bearer_token(request(f"Basic {encoded}")) == ""


def test_instants_and_amounts_in_each_notation() -> None:
    instant = datetime(2026, 3, 2, 12, 11, 12, 345_678, tzinfo=timezone(timedelta(hours=2)))
    assert render.iso_milliseconds(instant) == "2026-03-02T10:11:12.345Z"
    assert render.iso_seconds(instant) == "2026-03-02T10:11:12Z"
    assert (render.unix_seconds(instant), render.unix_milliseconds(instant)) == (1772446272, 1772446272345)
    assert render.unix_seconds(None) is None
    assert (render.minor_units(Decimal("79.90"), "USD"), render.minor_units(Decimal(500), "jpy")) == (7990, 500)
    assert (render.decimal_text(Decimal("1250.5")), render.decimal_text(Decimal(3), 0)) == ("1250.50", "3")


def test_limits_by_key_do_not_touch_each_other() -> None:
    seconds = 0.0
    limits = KeyedLimits(Rate(1, 10), now=lambda: seconds)
    assert [limits.of(key).take() for key in ("a", "b", "a")] == [True, True, False]
    seconds = 10.0
    assert limits.of("a").take()


def test_a_limit_tells_how_long_to_wait() -> None:
    seconds = 100.0
    limit = Limit(2, 10, now=lambda: seconds)
    assert [limit.take(), limit.remaining, limit.free_in] == [True, 1, 0.0]
    seconds = 104.0
    assert [limit.take(), limit.take(), limit.free_in] == [True, False, 6.0]


def test_where_limits_pass_faster_their_headers_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that believed the real length would wait for a minute where a second is due."""
    headers = RateHeaders("Limit", "Remaining", reset_in="Reset")
    assert headers.of(Limit(60, 60))["Reset"] == "60"
    assert speed_variables() == {}
    monkeypatch.setattr(WINDOWS, "times", 100.0)
    assert headers.of(Limit(60, 60))["Reset"] == "1"
    assert speed_variables() == {"GTM_SANDBOX_SPEED": "100.0"}
