"""`gtm trigger …`, as a person gives it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gtm_platform_tests.cli.conftest import Command
from gtm_platform_tests.delivery.triggers.receiving import Receiver
from gtm_platform_tests.delivery.world import Watched, served

KEY = "k" * 40


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def watched(receiver: Receiver) -> Iterator[Watched]:
    with served(receiver.app) as watched:
        yield watched


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIGGER_KEY", KEY)
    monkeypatch.setenv("TRIGGER_RECEIVERS", "also_loopback")


@pytest.mark.usefixtures("keyed")
def test_a_subscription_from_its_making_to_its_end(
    command: Command, home: Path, watched: Watched, receiver: Receiver
) -> None:
    def give(*arguments: str) -> str:
        answer = command("trigger", arguments[0], "--home", str(home), *arguments[1:])
        assert answer.exit_code == 0, answer.output
        return answer.output

    assert "Nobody has subscribed" in give("list")
    made = give("add", f"{watched.url}/hook?key=hidden", "--on", "health_status", "--where", "mrr>=500")
    [id], [secret] = re.findall(r"^sub_[0-9a-f]{12}$", made, re.M), re.findall(r"^whsec_[\w+/]{43}=$", made, re.M)
    listed = give("list", "--style", "csv")
    assert f"{id},active,0,0,0,health_status where min_mrr=500" in listed
    assert secret not in listed
    assert "hidden" not in listed
    assert "answered 200" in give("test", id)
    assert receiver.arrived[0].payload["type"] == "test"
    assert give("rotate", id).count("whsec_") == 1
    give("pause", id)
    assert ",paused," in give("list", "--style", "csv")
    give("resume", id)
    assert "0 messages will be sent again" in give("replay", id)
    give("deliveries", id, "--style", "csv")
    assert "takes it back" in give("remove", id)
    assert "Nobody has subscribed" in give("list")
    assert ",removed," in give("list", "--all", "--style", "csv")
    give("resume", id)


@pytest.mark.usefixtures("keyed")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("add", "http://hooks.example/"), "The address is not https."),
        (("add", "https://10.0.0.1:22/"), "has port 22"),
        (("add", "https://hooks.example/", "--on", "mood"), "mood: no such kind of change; there are customer_status"),
        (("pause", "sub_0"), "There is no subscription 'sub_0'; `gtm trigger list` lists them."),
        (("replay", "sub_0", "--message", "m", "--since", "2026-01-01"), "Give either --message or --since"),
    ],
)
def test_what_cannot_be_is_a_sentence(command: Command, home: Path, arguments: tuple[str, ...], sentence: str) -> None:
    answer = command("trigger", arguments[0], "--home", str(home), *arguments[1:])
    assert answer.exit_code != 0
    assert sentence in answer.output


def test_without_a_key_nothing_is_signed(command: Command, home: Path) -> None:
    answer = command("trigger", "add", "--home", str(home), "https://hooks.example/")
    assert answer.exit_code == 1
    assert "Triggers are off: set TRIGGER_KEY; openssl rand -base64 32 makes one." in answer.output
