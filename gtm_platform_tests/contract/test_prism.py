"""Intercom once more, judged by a reader of its document that is none of ours: Prism."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import httpx
import pytest

from gtm_platform.ingest.record import Reader
from gtm_platform.sources.intercom.settings import IntercomSettings
from gtm_platform.sources.intercom.source import SOURCE
from gtm_platform_tests.contract.intercom_api import path_of
from gtm_platform_tests.contract.places import needs_specs
from gtm_platform_tests.contract.prism import installed, running, violations
from gtm_platform_tests.contract.recorder import Exchange, Recorder, served
from gtm_platform_tests.contract.systems import Systems
from gtm_platform_tests.contract.traffic import CHANGED, WHOLE, pointed_at
from gtm_platform_tests.contract.walks import HEADERS

pytestmark = needs_specs

PAGES = 3  # the made-up scroll through companies never ends
# Where Prism sees what is no fault: paths that the document's own examples hold where it speaks of URIs; refusals of
# which the document does not tell; and a cursor, as in every other list, where it speaks of a link to a contact's
# further companies. (A link would end the connector's sweep with an error.)
NO_FAULTS = {
    ("must match format", "url"),
    ("Unable to match", "response"),
}


@dataclass(frozen=True)
class Prisms:
    mock: str
    watch: str  # in front of our emulator


@pytest.fixture(scope="module")
def prisms(emulators: Systems, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prisms]:
    installed()
    document = path_of(IntercomSettings.model_fields["intercom_api_version"].default)
    log = tmp_path_factory.mktemp("prism") / "log"
    with (
        served(emulators.apps["intercom"]) as emulator,
        running(["mock", document, "--errors"], ["proxy", document, emulator], log=log) as (mock, watch),
    ):
        yield Prisms(mock, watch)


def again(client: httpx.Client, exchange: Exchange) -> httpx.Response:
    headers = {name: value for name, value in exchange.headers.items() if name not in ("host", "content-length")}
    content = exchange.body or None
    return client.request(exchange.method, exchange.path, params=exchange.query, headers=headers, content=content)


def smaller(exchange: Exchange) -> Exchange:
    """The same, asking for pages of which Prism has room to tell everything."""
    query = [(name, "3" if name == "per_page" else value) for name, value in exchange.query]
    return replace(exchange, query=query, body=exchange.body.replace(b'"per_page":150', b'"per_page":3'))


def test_nothing_that_we_ask_is_rejected(prisms: Prisms, swept: Recorder) -> None:
    with httpx.Client(base_url=prisms.mock) as client:
        answers = [again(client, exchange) for exchange in swept.of("intercom")]
    assert len(answers) > 100
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.headers["sl-violations"] for answer in answers if "sl-violations" in answer.headers] == []


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/contacts", {}, 401),
        ("/conversations?per_page=many", HEADERS["intercom"], 422),
        ("/unheard_of", HEADERS["intercom"], 404),
    ],
)
def test_what_is_wrong_is_rejected(prisms: Prisms, path: str, headers: dict[str, str], status: int) -> None:
    assert httpx.get(prisms.mock + path, headers=headers).status_code == status


def test_the_connector_reads_what_is_made_up(prisms: Prisms) -> None:
    read: dict[str, int] = {}
    with pointed_at("http://127.0.0.1:9", INTERCOM_BASE_URL=prisms.mock), SOURCE.open() as client:
        assert SOURCE.check(client).startswith("workspace this_is_an_id")
        for stream in SOURCE.streams:
            for window in (WHOLE, CHANGED):
                pages = list(islice(stream.pages(client, window), PAGES))
                kept = [Reader(stream.record).read(page) for page in pages]
                assert not [bad.reason for _, _, rejected in kept for bad in rejected]
                read[stream.name] = sum(len(records) for records, _, _ in kept)
    assert {name for name, rows in read.items() if rows} >= {"companies", "conversations", "tickets", "admins"}


def test_our_emulators_answers_are_as_described(prisms: Prisms, swept: Recorder) -> None:
    seen: set[tuple[str, str]] = set()
    unexpected = []
    with httpx.Client(base_url=prisms.watch) as client:
        for exchange in map(smaller, swept.of("intercom")):
            header = again(client, exchange).headers.get("sl-violations", "")
            assert not header.startswith("Too many"), f"Prism has no room to tell all that is wrong with {exchange}"
            for told in violations(header):
                place, message = told["location"], told["message"]
                known = {(part, end) for part, end in NO_FAULTS if part in message and place[-1] == end}
                seen |= known
                if not known:
                    unexpected.append(f"{exchange}: {'/'.join(place)}: {message}")
    assert unexpected == []
    assert seen == NO_FAULTS
