"""A server on a raw socket: it can break off, reset and drip as no framework can."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

Answer = Callable[[socket.socket], None]
TLS = Path(__file__).parent / "tls"  # certificates for 127.0.0.1, of a key that was made for tests and is none else


def whole(body: bytes, head: str = "200 OK", headers: str = "") -> Answer:
    text = f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    return lambda connection: connection.sendall(text.encode() + body)


def cut(text: bytes) -> Answer:
    """The connection is closed after this much."""
    return lambda connection: connection.sendall(text)


def reset(text: bytes) -> Answer:
    def answer(connection: socket.socket) -> None:
        connection.sendall(text)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return answer


def drip(start: bytes, drop: bytes, stop: threading.Event, passing: Callable[[], None] = lambda: None) -> Answer:
    """Drops until it is stopped or nobody listens any more; `passing` is called for the time between two of them."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(start)
        while not stop.wait(0.02):
            passing()
            connection.sendall(drop)

    return answer


def over_tls(certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / certificate)
    return context


def silence(connection: socket.socket) -> None:
    """No answer, until the other side hangs up."""
    connection.recv(1)


@contextmanager
def serving(answer_to: Callable[[bytes], Answer], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Gives the base URL. Every request gets the answer that is made for it, one after the other."""
    listener = socket.create_server(("127.0.0.1", 0))
    address, over = listener.getsockname(), threading.Event()

    def serve() -> None:
        with listener:  # if making an answer fails, nobody waits for one
            while not over.is_set():
                accepted, _ = listener.accept()
                with suppress(OSError), tls.wrap_socket(accepted, server_side=True) if tls else accepted as connection:
                    if request := connection.recv(65536):
                        answer_to(request)(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{address[1]}"
    finally:
        over.set()
        with suppress(OSError):
            socket.create_connection(address).close()  # wakes the listener
        thread.join(timeout=5)
        assert not thread.is_alive(), "the server is still answering somebody"


@contextmanager
def served(*answers: Answer) -> Iterator[tuple[str, list[bytes]]]:
    """Gives the base URL and the requests as they came; the n-th gets the n-th answer, and all answers are wanted."""
    requests: list[bytes] = []
    left = iter(answers)

    def answer_to(request: bytes) -> Answer:
        requests.append(request)
        return next(left, cut(b""))

    with serving(answer_to) as url:
        yield url, requests
    assert len(requests) == len(answers), f"{len(answers)} calls were expected, {len(requests)} were made"
