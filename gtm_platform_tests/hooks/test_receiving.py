"""Each system's deliveries, as its documentation signs them: taken once, and refused when anything is amiss."""

import json
import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from gtm_platform.ingest.hooks.bodies import decrypt
from gtm_platform.ingest.hooks.hook import discover_hooks
from gtm_platform.serving.hooks import endpoint, inbox
from gtm_platform.settings import settings
from gtm_platform.state import hook_events
from gtm_platform_tests.hooks.conftest import Receiver
from gtm_platform_tests.hooks.senders import BY_NAME, SENDERS, Sender, signed_variant

TIMED = [sender for sender in SENDERS if sender.is_timed]
each = pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.name)


def test_every_hook_has_a_sender_here() -> None:
    assert [hook.name for hook in discover_hooks()] == [sender.name for sender in SENDERS]
    assert {hook.name: hook.secret for hook in discover_hooks()} == {each.name: each.variable for each in SENDERS}


@each
@pytest.mark.faults("H1", "V10")
def test_a_delivery_is_kept_once_however_often_it_comes(receiver: Receiver, sender: Sender) -> None:
    assert [receiver.send(sender).status_code for _ in range(3)] == [200] * 3
    (row,) = receiver.rows(sender.name)
    assert row.streams.split(",") == sorted(sender.streams)
    assert row.read_at is None
    assert row.received_at == receiver.now
    assert receiver.counts() == {(sender.name, "accepted"): 1, (sender.name, "repeated"): 2}
    assert receiver.send(sender, number=2).status_code == 200
    assert len(receiver.rows(sender.name)) == 2


@each
def test_state_keeps_nothing_personal(receiver: Receiver, sender: Sender) -> None:
    receiver.send(sender)
    (row,) = receiver.rows(sender.name)
    hook = next(hook for hook in discover_hooks() if hook.name == sender.name)
    shown = str([value for name, value in row._mapping.items() if name != "body"])
    assert "@" not in shown
    assert "Acme" not in shown
    assert (row.body is not None) == hook.keeps_bodies
    if row.body:
        assert b"acme" not in row.body
        assert json.loads(decrypt(row.body)) == json.loads(sender.body(1, receiver.now))


@each
@pytest.mark.faults("H2", "V10")
def test_a_signature_that_is_wrong_missing_or_of_another_body_is_refused(receiver: Receiver, sender: Sender) -> None:
    body = sender.body(1, receiver.now)
    headers = sender.headers(body, receiver.now)
    signature = headers[sender.header]
    stripped = {name: value for name, value in headers.items() if name != sender.header}
    flipped = signature[:-3] + ("A" if signature[-3] != "A" else "B") + signature[-2:]
    refused = [
        receiver.post(sender.name, body, stripped),
        receiver.post(sender.name, body, {**headers, sender.header: flipped}),
        receiver.post(sender.name, body, {**headers, sender.header: ""}),
        receiver.post(sender.name, body, {**headers, sender.header: "t=1,v1=,v0=" + signature}),
        receiver.post(sender.name, body, sender.headers(body, receiver.now, sender.other)),
    ]
    if sender.sign(body, sender.secret, receiver.now) != sender.sign(body + b" ", sender.secret, receiver.now):
        refused.append(receiver.post(sender.name, body + b" ", headers))
        spaced = json.dumps(json.loads(body), indent=1).encode() if not sender.form else body + b"&a=b"
        refused.append(receiver.post(sender.name, spaced, headers))  # the same JSON, written anew
    assert [answer.status_code for answer in refused] == [401] * len(refused)
    assert all(answer.headers["content-type"] == "application/problem+json" for answer in refused)
    assert receiver.rows() == []
    counts = receiver.counts()
    assert sum(counts.values()) == len(refused)
    assert {outcome for _, outcome in counts} <= {"bad_signature", "no_signature"}


@pytest.mark.parametrize("sender", TIMED, ids=lambda sender: sender.name)
@pytest.mark.parametrize("minutes", [-6, 6, -60 * 24 * 365, 60 * 24 * 365])
@pytest.mark.faults("H3", "V10")
def test_what_was_signed_long_ago_or_in_the_future_is_refused(
    receiver: Receiver, sender: Sender, minutes: float
) -> None:
    answer = receiver.send(sender, at=receiver.now + timedelta(minutes=minutes))
    assert answer.status_code == 401
    assert "minutes from now" in answer.json()["detail"]
    assert receiver.rows() == []
    assert receiver.counts() == {(sender.name, "too_old"): 1}
    assert receiver.send(sender, at=receiver.now - timedelta(minutes=2)).status_code == 200


@each
@pytest.mark.faults("H10")
def test_two_secrets_are_valid_while_one_replaces_the_other(
    receiver: Receiver, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statuses() -> list[int]:
        settings.cache_clear()
        return [
            receiver.send(sender, number, secret=secret).status_code
            for number, secret in enumerate([sender.secret, sender.other])
        ]

    assert statuses() == [200, 401]
    monkeypatch.setenv(sender.variable, f"{sender.other}, {sender.secret}")
    assert statuses() == [200, 200]
    monkeypatch.setenv(sender.variable, sender.other)
    assert statuses() == [401, 200]


@each
@pytest.mark.faults("H6")
def test_what_is_signed_and_no_event_is_refused_in_words_or_is_about_nothing(
    receiver: Receiver, sender: Sender
) -> None:
    bodies = [
        b"[" * 5_000,
        b"{",
        b"null",
        b"1",
        b'"text"',
        b"\xff\xfe",
        b'{"a":' * 3_000,
        b"[1]",
        b'{"id": NaN}',
        b"[[]]",
    ]
    for body in bodies:
        answer = receiver.post(sender.name, body, sender.headers(body, receiver.now))
        is_batch = sender.name == "segment" and body.startswith(b"[")  # whose first message alone is signed
        assert answer.status_code in ([400, 401] if is_batch else [400]), body[:20]
        assert answer.json()["detail"].endswith(".")
    assert receiver.rows() == []


def test_an_unknown_kind_is_kept_and_is_about_nothing(receiver: Receiver) -> None:
    """So that its sender does not repeat it for days."""
    body = b'{"id":"evt_9","object":"event","type":"moon.landed","id":"evt_10","data":{"object":{"id":"m_1"}}}'
    assert receiver.post("stripe", body, BY_NAME["stripe"].headers(body, receiver.now)).status_code == 200
    (row,) = receiver.rows()
    assert (row.event_key, row.kind, row.streams, row.read_at) == ("evt_10", "moon.landed", "", receiver.now)


@pytest.mark.faults("H4")
def test_the_order_in_which_events_come_decides_nothing(receiver: Receiver) -> None:
    """An event says that something changed, and never to what: what is kept of several is the same in any order."""
    sender = BY_NAME["stripe"]
    for number in (3, 1, 2):
        receiver.send(sender, number, at=receiver.now - timedelta(minutes=number))
    kept = {row.event_key: json.dumps(row.touched) for row in receiver.rows()}
    assert kept == {f"evt_{n}": json.dumps({"subscriptions": [f"sub_{n}"]}) for n in (1, 2, 3)}
    with receiver.state.reading() as tx:
        (waiting,) = hook_events.to_read(tx).values()
    assert (waiting.events, waiting.streams) == (3, {"subscriptions"})


@pytest.mark.faults("H9")
def test_of_a_pair_that_comes_at_once_one_is_kept(receiver: Receiver) -> None:
    sender = BY_NAME["orb"]
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(receiver.send(sender).status_code)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8
    assert len(receiver.rows()) == 1


def test_the_same_bytes_a_day_later_are_another_event(receiver: Receiver) -> None:
    sender = BY_NAME["factors"]
    for hours in (0, 1, 22, 2, 0):
        receiver.served.time.pass_by(hours * 3600)
        assert receiver.send(sender).status_code == 200
    assert len(receiver.rows()) == 2


@pytest.mark.faults("H5", "V11")
def test_a_large_body_is_cut_while_it_is_read(receiver: Receiver) -> None:
    sender = BY_NAME["stripe"]
    stated = receiver.post("stripe", b"x" * (endpoint.LARGEST_BODY + 1), sender.headers(b"", receiver.now))
    assert stated.status_code == 413

    def endless():  # type: ignore[no-untyped-def]
        for _ in range(10_000):
            yield b"x" * 65_536

    host, port = receiver.served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"POST /webhooks/stripe HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        sent = 0
        try:
            for chunk in endless():
                connection.sendall(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                sent += len(chunk)
        except OSError:
            pass
        assert sent < 100 * endpoint.LARGEST_BODY
    assert receiver.rows() == []
    assert receiver.counts()["stripe", "too_large"] == 2


@pytest.mark.faults("H5")
def test_ten_thousand_events_in_one_delivery_are_too_many(receiver: Receiver) -> None:
    sender = BY_NAME["hubspot"]
    events = [{"eventId": n, "subscriptionType": "contact.creation", "objectId": n} for n in range(10_000)]
    body = json.dumps(events).encode()[: endpoint.LARGEST_BODY]
    assert receiver.post("hubspot", body, sender.headers(body, receiver.now)).status_code == 400
    assert receiver.rows() == []


@pytest.mark.faults("H5")
def test_a_body_that_drips_is_given_up(receiver: Receiver) -> None:
    for route in receiver.served.app.router.routes:
        if isinstance(found := getattr(route, "endpoint", None), endpoint.HookEndpoint):
            object.__setattr__(found, "body_seconds", 0.05)
    host, port = receiver.served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"POST /webhooks/stripe HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        assert connection.recv(1_000).startswith(b"HTTP/1.1 408")
    assert receiver.counts() == {("stripe", "too_slow"): 1}


@pytest.mark.faults("H7")
def test_a_flood_is_asked_to_come_later_before_it_fills_memory_or_disk(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = BY_NAME["stripe"]
    monkeypatch.setattr(inbox, "MOST_WAITING", 0)
    answer = receiver.send(sender)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    monkeypatch.setattr(inbox, "MOST_WAITING", 10)
    assert receiver.send(sender).status_code == 200
    monkeypatch.setattr(inbox, "MOST_UNREAD", 2)
    monkeypatch.setattr(inbox, "UNREAD_COUNTED_SECONDS", -1.0)
    assert receiver.send(sender, 2).status_code == 200
    assert receiver.send(sender, 3).status_code == 429
    assert len(receiver.rows()) == 2


@pytest.mark.faults("H8")
def test_nothing_is_answered_before_it_is_committed(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = BY_NAME["stripe"]

    def full(*_: object) -> int:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(inbox, "keep", full)
        answer = receiver.send(sender)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert receiver.rows() == []
    assert receiver.send(sender).status_code == 200  # repeated by its sender
    assert len(receiver.rows()) == 1


def test_an_address_is_probed_and_challenged(receiver: Receiver) -> None:
    url = f"{receiver.served.url}/webhooks/"
    assert receiver.client.head(url + "intercom").status_code == 200
    assert receiver.client.head(url + "nothing").status_code == 404
    assert receiver.client.get(url + "intercom").status_code == 405
    body = b'{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}'
    answer = receiver.post("slack", body, BY_NAME["slack"].headers(body, receiver.now))
    assert (answer.status_code, answer.text) == (200, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P")
    assert receiver.post("slack", body, {"content-type": "application/json"}).status_code == 401
    ping = b'{"type":"notification_event","id":"notif_p","topic":"ping","data":{"item":{"type":"ping"}}}'
    assert receiver.post("intercom", ping, BY_NAME["intercom"].headers(ping, receiver.now)).status_code == 200
    assert receiver.post("zapier", b"", BY_NAME["zapier"].headers(b"", receiver.now)).status_code == 200
    assert [(row.hook, row.kind, row.streams) for row in receiver.rows()] == [("intercom", "ping", "")]


def test_a_button_in_slack_comes_as_a_form(receiver: Receiver) -> None:
    from urllib.parse import quote_plus

    click = {
        "type": "block_actions", "trigger_id": "13.37.a", "channel": {"id": "C1"}, "message": {"ts": "17.1"},
        "user": {"id": "U1", "username": "ada"}, "actions": [{"action_id": "open"}],
    }  # fmt: skip
    body = b"payload=" + quote_plus(json.dumps(click)).encode()
    headers = {**BY_NAME["slack"].headers(body, receiver.now), "content-type": "application/x-www-form-urlencoded"}
    assert receiver.post("slack", body, headers).status_code == 200
    (row,) = receiver.rows()
    assert (row.kind, row.touched) == ("block_actions", {"alert_feedback": ["C1:17.1"]})


def test_zapier_may_send_a_form_a_list_or_joined_names(receiver: Receiver) -> None:
    sender = BY_NAME["zapier"]
    form = b"event_id=1&type=demo_request&company__domain=acme.example&email=ada%40acme.example"
    headers = {**sender.headers(form, receiver.now), "content-type": "application/x-www-form-urlencoded"}
    assert receiver.post("zapier", form, headers).status_code == 200
    listed = b'[{"event_id":"2","company":{"domain":"b.example"}},{"event_id":"3","company__domain":"c.example"}]'
    assert receiver.post("zapier", listed, sender.headers(listed, receiver.now)).status_code == 200
    signed = b'{"event_id":"4","domain":"d.example"}'
    assert receiver.post("zapier", signed, signed_variant(signed, sender.secret, receiver.now)).status_code == 200
    bodies = [json.loads(decrypt(row.body)) for row in receiver.rows()]
    assert [body.get("company", {}).get("domain", body.get("domain")) for body in bodies] == [
        "acme.example", "b.example", "c.example", "d.example",
    ]  # fmt: skip


def test_a_batch_of_segment_is_refused_as_only_its_first_message_is_signed(receiver: Receiver) -> None:
    sender = BY_NAME["segment"]
    first = sender.body(1, receiver.now)
    single, several = b"[" + first + b"]", b"[" + first + b", " + sender.body(2, receiver.now) + b"]"
    signed = {"content-type": "application/json", **sender.sign(first, sender.secret, receiver.now)}
    assert receiver.post("segment", single, signed).status_code == 200
    answer = receiver.post("segment", several, signed)
    assert answer.status_code == 400
    assert "turn batching off" in answer.json()["detail"]


def test_without_its_secret_or_the_key_a_hook_is_off(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "")
    monkeypatch.setenv("GTM_ENCRYPTION_KEY", "no key")
    settings.cache_clear()
    for name in ("stripe", "segment"):
        answer = receiver.send(BY_NAME[name])
        assert answer.status_code == 403
        assert "`gtm hooks`" in answer.json()["detail"]
    off = {hook.name: hook.off() for hook in discover_hooks() if hook.off()}
    assert off["stripe"] == "off: set STRIPE_WEBHOOK_SECRET (see .env.example)"
    assert set(off) == {"stripe", "factors", "make", "reodev", "segment", "signals", "zapier"}
    assert receiver.rows() == []


@pytest.mark.faults("V11")
def test_what_is_compressed_is_refused(receiver: Receiver) -> None:
    sender = BY_NAME["stripe"]
    headers = {**sender.headers(b"{}", receiver.now), "content-encoding": "gzip"}
    assert receiver.post("stripe", b"{}", headers).status_code == 400


def test_hooks_need_no_snapshot_and_survive_a_restart(receiver: Receiver, tmp_path: Path) -> None:
    assert not (tmp_path / "serving").exists()
    receiver.send(BY_NAME["stripe"])
    assert [row.event_key for row in receiver.rows()] == ["evt_1"]
