"""A server on a raw socket: it can break off, reset and drip as no framework can."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Answer = Callable[[socket.socket], None]


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


def drip(start: bytes, drop: bytes, stop: threading.Event) -> Answer:
    def answer(connection: socket.socket) -> None:
        connection.sendall(start)
        while not stop.wait(0.02):
            connection.sendall(drop)

    return answer


@contextmanager
def served(*answers: Answer) -> Iterator[tuple[str, list[bytes]]]:
    """Gives the base URL and the requests as they came; the n-th connection gets the n-th answer."""
    listener = socket.create_server(("127.0.0.1", 0))
    requests: list[bytes] = []

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                requests.append(connection.recv(65536))
                try:
                    answer(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
    finally:
        thread.join(timeout=5)
        listener.close()
        assert not thread.is_alive(), "the server expected more calls than were made"
