"""Who chooses an address chooses none inside, whatever it looks like, leads to or answers."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gtm_platform.http import public_post
from gtm_platform.http.errors import ApiFailure, BadRequest, Unavailable
from gtm_platform.http.public_post import Allowed, ForbiddenAddress, PublicPoster, checked_url, is_public
from gtm_platform_tests.http.server import TLS, Answer, cut, drip, over_tls, serving, silence, whole

LOCAL = Allowed(loopback=True)


def once_whole(answer: Answer, arrived: list[bytes] | None = None) -> Callable[[bytes], Answer]:
    """Answer when the body is there, too: who hangs up before breaks the connection off."""

    def answer_to(request: bytes) -> Answer:
        def reply(connection: socket.socket) -> None:
            more = connection.recv(65536) if request.endswith(b"\r\n\r\n") else b""
            if arrived is not None:
                arrived.append(request + more)
            answer(connection)

        return reply

    return answer_to


# By its looks alone; none of them may be resolved or connected to.
HOSTILE_URLS = [
    "http://example.com/hook",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com:70/_",
    "javascript:alert(1)",
    "//example.com/hook",
    "example.com/hook",
    "https://",
    "https:///path",
    "https://user:secret@example.com/",
    "https://user@example.com/",
    "https://@example.com/",
    "https://a@127.0.0.1/",
    "https://example.com:8080/",
    "https://example.com:22/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://example.com:http/",
    "https://example.com/#fragment",
    "https://example.com/\r\nHost: inside",
    "https://example.com/ path",
    "https://exa mple.com/",
    "https://example.com\\@127.0.0.1/",
    "https://ⓛocalhost/",
    "https://例え.jp/",
    "https://[::1/",
    "https://[fe80::1%25eth0]:443:1/",
    "https://example.com/" + "a" * 2_000,
]
# What looks well and leads inside.
HOSTILE_HOSTS = [
    "127.0.0.1", "127.1", "0.0.0.0", "0", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001",
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]",
    "[::ffff:8.8.8.8]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]",
    "[2002:7f00:1::]", "[2002:a9fe:a9fe::]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[2001:db8::1]", "[fe80::1]",
    "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[100::1]", "localhost", "localhost.",
]  # fmt: skip


@pytest.fixture
def unconnected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """No connection can be made; which were tried is listed."""
    tried: list[Any] = []

    def connect(address: Any, *_: Any, **__: Any) -> socket.socket:
        tried.append(address)
        raise OSError("no connection in this test")

    monkeypatch.setattr(socket, "create_connection", connect)
    return tried


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let names be resolved to these addresses, one answer after the other; return the names that were asked for."""
    names: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        names.append(host)
        addresses = answers[min(len(names), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return names


@pytest.mark.faults("D17", "V5")
@pytest.mark.parametrize("url", HOSTILE_URLS, ids=lambda url: repr(url[:40]))
@pytest.mark.parametrize("allowed", [Allowed(), LOCAL], ids=["public", "with loopback"])
def test_a_url_that_no_receiver_has_is_refused_by_its_looks(url: str, allowed: Allowed, unconnected: list[Any]) -> None:
    with PublicPoster("webhook", allowed) as poster, pytest.raises(ForbiddenAddress):
        poster.post(url, b"{}", {})
    assert unconnected == []


@pytest.mark.faults("D17", "V5")
@pytest.mark.parametrize("host", HOSTILE_HOSTS)
def test_a_host_that_leads_inside_is_not_connected_to(host: str, unconnected: list[Any]) -> None:
    with PublicPoster("webhook", Allowed()) as poster, pytest.raises((ForbiddenAddress, Unavailable)):
        poster.post(f"https://{host}/", b"{}", {})
    assert unconnected == []


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808"])
def test_the_public_internet_is_public(address: str) -> None:
    assert is_public(address)
    assert checked_url("https://hooks.example.com/catch/1/?a=b", Allowed()).hostname == "hooks.example.com"


@pytest.mark.parametrize("inside", ["127.0.0.1", "169.254.169.254", "10.0.0.7"])
def test_of_a_name_with_several_addresses_none_may_be_inside(
    inside: str, monkeypatch: pytest.MonkeyPatch, unconnected: list[Any]
) -> None:
    resolving(monkeypatch, ["93.184.216.34", inside])
    with PublicPoster("webhook", Allowed()) as poster, pytest.raises(ForbiddenAddress):
        poster.post("https://mixed.example/", b"{}", {})
    assert unconnected == []


@pytest.mark.faults("V5")
def test_a_name_that_changes_its_mind_is_asked_once_and_the_judged_address_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, unconnected: list[Any]
) -> None:
    names = resolving(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    with PublicPoster("webhook", Allowed()) as poster, pytest.raises(Unavailable):
        poster.post("https://rebinding.example/", b"{}", {})
    assert names == ["rebinding.example"]
    assert unconnected == [("93.184.216.34", 443)]


def test_this_machine_is_posted_to_only_where_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(once_whole(whole(b""))) as url:
        with PublicPoster("webhook", LOCAL) as poster:
            assert poster.post(url, b"{}", {}).status == 200
        with PublicPoster("webhook", Allowed()) as poster, pytest.raises(ForbiddenAddress, match="not https"):
            poster.post(url, b"{}", {})
    resolving(monkeypatch, ["10.0.0.1"])
    with PublicPoster("webhook", LOCAL) as poster, pytest.raises(ForbiddenAddress):
        poster.post("http://localhost/", b"{}", {})


def test_what_is_posted_arrives_as_it_is() -> None:
    requests: list[bytes] = []
    with (
        serving(once_whole(whole(b"thanks", head="202 Accepted"), requests)) as url,
        PublicPoster("webhook", LOCAL) as poster,
    ):
        assert poster.post(f"{url}/catch?x=1", b'{"a":1}', {"Webhook-Id": "msg_1"}).status == 202
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /catch?x=1 HTTP/1.1\r\n")
    assert b"webhook-id: msg_1" in head.lower()
    assert body == b'{"a":1}'


@pytest.mark.faults("D17")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(status: int) -> None:
    asked: list[bytes] = []
    elsewhere = whole(b"", head=f"{status} Elsewhere", headers="Location: http://169.254.169.254/latest/\r\n")
    with (
        serving(once_whole(elsewhere, asked)) as url,
        PublicPoster("webhook", LOCAL) as poster,
        pytest.raises(BadRequest) as failure,
    ):
        poster.post(url, b"{}", {})
    assert failure.value.status == status
    assert len(asked) == 1


@pytest.mark.parametrize(("status", "waits"), [(410, None), (400, None), (429, 7.0), (503, 7.0)])
def test_a_refusal_is_told_by_its_status_and_its_words_are_not_kept(status: int, waits: float | None) -> None:
    refusal = whole(b'{"error": "ada@acme.example is secret"}', head=f"{status} No", headers="Retry-After: 7\r\n")
    with serving(once_whole(refusal)) as url, PublicPoster("webhook", LOCAL) as poster, pytest.raises(ApiFailure) as no:
        poster.post(f"{url}/hook/of/a/secret", b"{}", {})
    assert (no.value.status, no.value.retry_after) == (status, waits)
    assert "secret" not in str(no.value)


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.faults("D17")
def test_an_answer_that_never_ends_is_over_at_the_deadline(stop: threading.Event) -> None:
    for dripping in (drip(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", stop), drip(b"HTTP", b"P", stop), silence):
        with (
            serving(once_whole(dripping)) as url,
            PublicPoster("webhook", LOCAL, seconds=0.2) as poster,
            pytest.raises(Unavailable, match="gave no answer"),
        ):
            poster.post(url, b"{}", {})


@pytest.mark.faults("D17")
def test_a_huge_or_endless_body_changes_nothing_of_the_status(
    stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    read_some = public_post._read_some

    def counting(pieces: Iterator[bytes]) -> None:
        read_some(piece for piece in pieces if not read.append(len(piece)))

    monkeypatch.setattr(public_post, "_read_some", counting)
    with serving(once_whole(whole(b"x" * 5_000_000))) as url, PublicPoster("webhook", LOCAL) as poster:
        assert poster.post(url, b"{}", {}).status == 200
    assert sum(read) < 3 * public_post.ANSWER_BYTES
    endless = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", b"x", stop)
    with serving(once_whole(endless)) as url, PublicPoster("webhook", LOCAL, seconds=0.3) as poster:
        assert poster.post(url, b"{}", {}).status == 200


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200", b"no http at all\r\n\r\n", b"HTTP/1.1 999999 No\r\n\r\n"])
def test_what_is_no_answer_is_none(answer: bytes) -> None:
    with (
        serving(once_whole(cut(answer))) as url,
        PublicPoster("webhook", LOCAL) as poster,
        pytest.raises(Unavailable),
    ):
        poster.post(url, b"{}", {})


def test_a_certificate_has_to_be_that_of_the_name_and_trusted() -> None:
    trusting = ssl.create_default_context(cafile=str(TLS / "valid.pem"))
    with serving(once_whole(whole(b"")), over_tls("valid.pem")) as url:
        with PublicPoster("webhook", LOCAL, tls=trusting) as poster:
            assert poster.post(url, b"{}", {}).status == 200
        with PublicPoster("webhook", LOCAL) as poster, pytest.raises(Unavailable, match="certificate"):
            poster.post(url, b"{}", {})
        with PublicPoster("webhook", LOCAL, tls=trusting) as poster, pytest.raises(Unavailable, match="certificate"):
            poster.post(url.replace("127.0.0.1", "localhost"), b"{}", {})
