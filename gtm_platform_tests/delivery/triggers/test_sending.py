"""What is sent arrives signed, at least once and with one id; what is not taken is tried again, and then kept."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from gtm_platform.delivery.triggers.settings import TriggerSettings
from gtm_platform.delivery.triggers.subjects import Subjects
from gtm_platform.http.errors import ApiFailure
from gtm_platform.policy import Triggers
from gtm_platform.settings import SettingsError
from gtm_platform.state import audit
from gtm_platform.state import trigger_stops as stops
from gtm_platform.state.trigger_subscriptions import ACTIVE, OFF, PAUSED, REMOVED, NoSuchSubscription
from gtm_platform_tests.delivery.triggers.conftest import KEY, Room, day_of, person
from gtm_platform_tests.delivery.triggers.receiving import Arrived, signature_is_right, verified
from gtm_platform_tests.delivery.world import NOW

TWO = day_of(person("c1"), person("c2"))


def test_the_oracle_has_the_signature_of_the_specification() -> None:
    """The example that its libraries are tested with."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert signature_is_right(secret, headers, b'{"test": 2432232314}', 1614265330)
    assert not signature_is_right(secret, headers, b'{"test": 2432232315}', 1614265330)
    assert not signature_is_right(secret, headers, b'{"test": 2432232314}', 1614265330 + 301)


def test_what_is_news_arrives_signed_and_is_not_sent_again(room: Room) -> None:
    id, secret = room.add("health_status", whole=True)
    assert room.compare(TWO).count == 2
    assert room.send().delivered == {id: 2}
    assert [each.payload["data"]["customer_id"] for each in room.receiver.arrived] == ["c1", "c2"]
    assert verified(room.receiver, secret)
    assert not verified(room.receiver, "whsec_" + base64.b64encode(b"x" * 32).decode())
    assert room.compare(TWO).count == room.send().delivered.get(id, 0) == 0
    assert len(room.receiver.arrived) == 2
    assert room.subscription(id).delivered_at == NOW


def test_who_did_not_ask_for_all_is_sent_what_changes_from_now_on(room: Room) -> None:
    room.add("health_status")
    assert room.compare(TWO).begun
    assert room.compare(day_of(person("c1", health_status="critical"), person("c2"), person("c3"))).count == 2
    room.send()
    first, second = (each.payload["data"] for each in room.receiver.arrived)
    assert (first["before"], first["after"]) == ({"health_status": "healthy"}, {"health_status": "critical"})
    assert (second["customer_id"], second["before"]) == ("c3", None)


def test_a_secret_is_random_in_all_its_bits_and_kept_nowhere(room: Room) -> None:
    secrets = {room.add("cohort")[1] for _ in range(3)}
    assert len(secrets) == 3
    assert {len(base64.b64decode(each.removeprefix("whsec_"))) for each in secrets} == {32}
    raw = b"".join(path.read_bytes() for path in _files(room))
    for each in secrets:
        assert each.removeprefix("whsec_").encode() not in raw
        assert base64.b64decode(each.removeprefix("whsec_")) not in raw
    assert KEY.encode() not in raw


def _files(room: Room) -> list[Path]:
    return list(Path(str(room.state.engine.url.database)).parent.glob("state.db*"))


def test_while_a_secret_is_replaced_both_verify_and_then_the_new_one_alone(room: Room) -> None:
    id, old = room.add("health_status", whole=True)
    new = room.subscribing.rotate(id, timedelta(hours=24))
    assert new != old
    room.compare(day_of(person("c1")))
    room.send()
    assert verified(room.receiver, old)
    assert verified(room.receiver, new)
    assert len(room.receiver.arrived[0].headers["webhook-signature"].split(" ")) == 2
    room.receiver.arrived.clear()
    room.pass_time(hours=25)
    room.compare(day_of(person("c1", health_status="critical")))
    room.send()
    now = room.now.timestamp()
    assert verified(room.receiver, new, now)
    assert not verified(room.receiver, old, now)


def test_another_key_signs_nothing_and_the_old_one_behind_it_goes_on(room: Room) -> None:
    id, secret = room.add("health_status", whole=True)
    room.compare(TWO)
    room.settings = TriggerSettings(trigger_key="n" * 40, trigger_receivers="also_loopback")
    assert "another key than TRIGGER_KEY" in room.send().trouble[id]
    assert room.receiver.arrived == []
    assert [each.attempts for each in room.messages()] == [0, 0]
    room.settings = TriggerSettings(trigger_key=f"{'n' * 40}, {KEY}", trigger_receivers="also_loopback")
    assert room.send().delivered == {id: 2}
    assert verified(room.receiver, secret)


def test_a_key_that_is_too_short_is_refused(room: Room) -> None:
    room.settings = TriggerSettings(trigger_key=f"{KEY},short", trigger_receivers="also_loopback")
    with pytest.raises(SettingsError, match=r"TRIGGER_KEY.*32 characters"):
        room.add("health_status")


def test_the_body_is_the_same_in_each_attempt_and_the_time_is_that_of_the_attempt(room: Room) -> None:
    _, secret = room.add("health_status", whole=True)
    room.compare(day_of(person("c1")))
    room.receiver.status = 500
    room.send()
    room.pass_time(minutes=1)
    room.receiver.status = 200
    room.send()
    first, second = room.receiver.arrived
    assert (first.id, first.body) == (second.id, second.body)
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 60
    assert signature_is_right(secret, second.headers, second.body, room.now.timestamp())


@pytest.mark.faults("D17")
def test_retries_take_the_times_of_the_policy_and_then_it_is_dead_and_can_be_sent_again(room: Room) -> None:
    room.rules = Triggers(jitter=0, switch_off_after_days=30)
    id, _ = room.add("health_status", whole=True)
    room.compare(day_of(person("c1")))
    room.receiver.status = 503
    moments, began = [], room.now
    while any(each.status == "waiting" for each in room.messages()):
        [message] = room.messages()
        room.now = message.due_at
        room.send()
        moments.append((room.now - began).total_seconds())
    waits = [later - earlier for earlier, later in pairwise(moments)]
    assert waits == list(room.rules.retry_after_seconds)
    assert moments[-1] > 3 * 86_400
    assert len(set(room.receiver.ids())) == 1
    [message] = room.messages()
    assert (message.status, message.attempts) == ("dead", 10)
    assert "503" in str(message.error)

    room.receiver.status = 200
    assert room.subscribing.replay(id) == 1
    room.send()
    assert [each.status for each in room.messages()] == ["delivered"]
    assert len(set(room.receiver.ids())) == 1


def test_jitter_keeps_messages_apart_within_its_share(room: Room) -> None:
    room.add("health_status", whole=True)
    room.rules = Triggers(failures_in_a_row=50)
    room.compare(day_of(*(person(f"c{n}") for n in range(20))))
    room.receiver.status = 500
    room.send()
    waits = {(each.due_at - NOW).total_seconds() for each in room.messages()}
    assert len(waits) > 10
    assert all(5 <= wait <= 5.5 for wait in waits)


def test_a_receiver_may_ask_for_a_longer_wait_but_not_for_ever(room: Room) -> None:
    room.add("health_status", whole=True)
    room.compare(day_of(person("c1")))
    room.receiver.status, room.receiver.headers = 429, {"Retry-After": "3600"}
    room.send()
    assert room.messages()[0].due_at == NOW + timedelta(hours=1)
    room.pass_time(hours=1)
    room.receiver.headers = {"Retry-After": "99999999"}
    room.send()
    assert room.messages()[0].due_at == NOW + timedelta(days=1, hours=1)


def test_gone_switches_off_and_what_waited_is_kept_for_who_comes_back(room: Room) -> None:
    id, _ = room.add("health_status", whole=True)
    room.compare(day_of(*(person(f"c{n}") for n in range(5))))
    room.receiver.status = 410
    report = room.send()
    assert len(room.receiver.arrived) == 1
    assert "410 Gone" in report.switched_off[id]
    assert report.dead == {id: 5}
    assert (room.subscription(id).status, {each.status for each in room.messages()}) == (OFF, {"dead"})
    assert room.compare(day_of(person("c0", health_status="critical"))).count == 0

    room.receiver.status = 200
    assert room.subscribing.change_status(id, ACTIVE) == 5
    room.compare(day_of(*(person(f"c{n}", health_status="critical") for n in range(5))))
    room.send()
    assert room.receiver.newest() == {f"c{n}": {"health_status": "critical"} for n in range(5)}


def test_a_receiver_that_takes_nothing_for_days_is_switched_off(room: Room) -> None:
    room.rules = Triggers(switch_off_after_days=2)
    id, _ = room.add("health_status", whole=True)
    room.compare(day_of(person("c1")))
    room.receiver.status = 500
    for _ in range(30):
        if room.subscription(id).status != ACTIVE:
            break
        room.pass_time(hours=6)
        room.send()
    assert room.subscription(id).status == OFF
    assert "took nothing for 2 days" in room.subscription(id).reason
    assert room.now - NOW <= timedelta(days=3)


def test_one_success_ends_a_row_of_failures(room: Room) -> None:
    id, _ = room.add("health_status", whole=True)
    room.compare(day_of(person("c1"), person("c2")))
    room.receiver.status = 500
    room.send()
    assert room.subscription(id).failing_since == NOW
    room.pass_time(minutes=1)
    room.receiver.status = 200
    room.send()
    assert room.subscription(id).failing_since is None


@pytest.mark.faults("D17")
def test_a_receiver_that_is_down_holds_up_nobody_else_and_is_left_alone_after_some_attempts(room: Room) -> None:
    def status(message: Arrived) -> int:
        return 500 if message.path == "/bad" else 200

    room.receiver.status = status
    bad, _ = room.add("health_status", whole=True, path="/bad")
    good, _ = room.add("health_status", whole=True, path="/good")
    room.compare(day_of(*(person(f"c{n}") for n in range(10))))
    report = room.send()
    assert report.delivered == {good: 10}
    assert report.refused == {bad: room.rules.failures_in_a_row}
    waiting = [each for each in room.messages() if each.subscription_id == bad]
    assert [each.attempts for each in waiting] == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    assert all(each.due_at > room.now for each in waiting), "the rest is not tried at once either"
    room.pass_time(minutes=1)
    room.send()
    assert min(each.due_at for each in room.messages() if each.subscription_id == bad) >= room.now + timedelta(
        minutes=5
    )
    room.pass_time(hours=1)
    room.receiver.status = 200
    assert room.send().delivered == {bad: 10}


def test_names_are_sent_only_to_who_may_have_them_and_are_not_in_the_state(room: Room) -> None:
    room.names = {"c1": {"name": "Ada Byron", "email": "ada@acme.example"}}
    room.add("health_status", whole=True, path="/plain")
    room.add("health_status", whole=True, path="/named", personal=True)
    room.compare(TWO)
    room.send()
    by_path = {each.path: each for each in room.receiver.arrived if each.payload["data"]["customer_id"] == "c1"}
    assert by_path["/named"].payload["data"]["person"] == room.names["c1"]
    assert b"Ada" not in by_path["/plain"].body
    raw = b"".join(path.read_bytes() for path in _files(room))
    assert b"Ada Byron" not in raw
    assert b"ada@acme.example" not in raw


def test_more_changes_than_the_policy_lets_through_wait_for_consent(room: Room) -> None:
    room.rules = Triggers(most_in_a_run=3)
    id, _ = room.add("health_status", whole=True)
    assert room.compare(day_of(*(person(f"c{n}") for n in range(10)))).count == 10, "who asked for all is sent all"
    changed = day_of(*(person(f"c{n}", health_status="critical") for n in range(10)))
    result = room.compare(changed)
    assert result.count == 0
    assert "10 changes" in result.stopped[id]
    assert room.compare(changed, allow_mass_change=True).count == 10


def test_what_a_person_approved_is_sent_once_and_no_more_than_that_and_a_margin(room: Room) -> None:
    room.rules = Triggers(most_in_a_run=3)
    id, _ = room.add("health_status", whole=True)

    def of_ids(number: int, status: str) -> Subjects:
        return day_of(*(person(f"c{n}", health_status=status if n < number else "healthy") for n in range(30)))

    def approve(hours: int = 72) -> None:
        with room.state.writing() as tx:
            stops.approve(tx, id[:8], "Noor", "the plans were renamed", room.now, room.now + timedelta(hours=hours))

    room.compare(of_ids(0, "critical"))
    with pytest.raises(stops.NothingToApprove, match="wait for approval: none"):
        approve()
    assert room.compare(of_ids(10, "critical")).stopped.keys() == {id}
    approve(hours=1)
    room.pass_time(hours=2)
    assert room.compare(of_ids(10, "critical")).count == 0, "the approval has ended"
    approve()
    assert room.compare(of_ids(12, "critical")).count == 0, "12 are more than 10 and a tenth"
    assert room.compare(of_ids(11, "critical")).count == 0, "and with it the approval of fewer is void"
    approve()
    assert room.compare(of_ids(12, "critical")).count == 12, "12 are not more than 11 and a tenth"
    with room.state.reading() as tx:
        stop = stops.stop_of(tx, id)
        assert not stops.waiting(tx)
    assert stop is not None
    assert (stop.approved_by, stop.approved_reason, stop.used_by_run) == ("Noor", "the plans were renamed", "run")
    assert room.compare(of_ids(12, "at_risk")).count == 0, "it is used up"


def test_what_was_few_enough_in_the_end_leaves_no_approval_behind(room: Room) -> None:
    room.rules = Triggers(most_in_a_run=3)
    id, _ = room.add("health_status", whole=True)
    everybody = [f"c{n}" for n in range(6)]
    room.compare(day_of(*map(person, everybody)))
    room.compare(day_of(*(person(each, health_status="critical") for each in everybody)))
    with room.state.writing() as tx:
        stops.approve(tx, id, "Noor", "it is so", room.now, room.now + timedelta(hours=72))
    few = [person(each, health_status="critical" if each == "c1" else "healthy") for each in everybody]
    assert room.compare(day_of(*few)).count == 1
    assert room.compare(day_of(*(person(each, health_status="at_risk") for each in everybody))).count == 0


def test_paused_is_sent_nothing_and_afterwards_what_changed_meanwhile_once(room: Room) -> None:
    id, _ = room.add("health_status", whole=True)
    room.compare(TWO)
    room.send()
    room.subscribing.change_status(id, PAUSED)
    room.compare(day_of(person("c1", health_status="critical"), person("c2")))
    room.send()
    assert len(room.receiver.arrived) == 2
    room.subscribing.change_status(id, ACTIVE)
    room.compare(day_of(person("c1", health_status="at_risk"), person("c2")))
    room.send()
    assert [each.payload["data"]["after"] for each in room.receiver.arrived[2:]] == [{"health_status": "at_risk"}]


def test_removed_is_sent_nothing_more_and_can_be_taken_back(room: Room) -> None:
    id, _ = room.add("health_status", whole=True)
    room.compare(TWO)
    room.subscribing.change_status(id, REMOVED)
    room.send()
    assert room.receiver.arrived == []
    assert room.subscribing.change_status(id, ACTIVE) == 2
    room.send()
    assert len(room.receiver.arrived) == 2


def test_a_message_or_all_since_a_moment_are_sent_again_with_their_ids(room: Room) -> None:
    id, _ = room.add("health_status", whole=True)
    room.compare(TWO)
    room.send()
    [first, _] = room.receiver.ids()
    assert room.subscribing.replay(id, message_id=first) == 1
    room.send()
    assert room.receiver.ids()[2:] == [first]
    assert room.subscribing.replay(id, since=NOW - timedelta(hours=1)) == 2
    room.send()
    assert sorted(room.receiver.ids()[3:]) == sorted(room.receiver.ids()[:2])


def test_a_test_says_nothing_of_anybody_and_is_signed(room: Room) -> None:
    id, secret = room.add("health_status")
    assert room.subscribing.test(id) == 200
    assert room.receiver.arrived[0].payload["data"] == {"subscription_id": id}
    assert verified(room.receiver, secret)
    room.receiver.status = 404
    with pytest.raises(ApiFailure, match="404"):
        room.subscribing.test(id)


@pytest.mark.parametrize(
    ("deed", "error", "sentence"),
    [
        (lambda room: room.subscribing.add("https://x.example", ("health",), ()), ValueError, "no such kind"),
        (lambda room: room.subscribing.add("http://x.example", (), ()), ApiFailure, "not https"),
        (lambda room: room.subscribing.add("https://x.example", (), ("plan=pro",)), ValueError, "no filter"),
        (lambda room: room.subscribing.replay("sub_0"), NoSuchSubscription, "no subscription 'sub_0'"),
        (lambda room: room.subscribing.change_status(room.add()[0], ACTIVE), ValueError, "is active already"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    room: Room, deed: Callable[[Room], object], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        deed(room)


def test_every_deed_is_in_the_audit_trail_without_the_address(room: Room) -> None:
    id, _ = room.add("health_status", path="/secret/path")
    room.subscribing.rotate(id, timedelta(hours=1))
    room.subscribing.change_status(id, PAUSED)
    with room.state.reading() as tx:
        actions = ("trigger added", "trigger secret rotated", "trigger paused")
        entries = [entry for action in actions for entry in audit.entries(tx, action)]
    assert [(entry["actor"], entry["subject"]) for entry in entries] == [("Noor", id)] * 3
    assert "secret/path" not in str(entries)


def test_what_was_delivered_long_ago_is_forgotten_and_what_is_known_is_not(room: Room) -> None:
    room.add("health_status", whole=True)
    room.compare(TWO)
    room.send()
    room.pass_time(days=91)
    assert room.compare(TWO).count == 0
    assert room.messages() == []
    assert room.compare(TWO).count == 0


def test_the_signature_is_of_id_time_and_body(room: Room) -> None:
    _, secret = room.add("health_status", whole=True)
    room.compare(day_of(person("c1")))
    room.send()
    [message] = room.receiver.arrived
    signed = f"{message.id}.{int(NOW.timestamp())}.".encode() + message.body
    digest = hmac.new(base64.b64decode(secret[6:]), signed, hashlib.sha256).digest()
    assert message.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert message.headers["content-type"] == "application/json"
