"""A way from a host without a network to a server on loopback: over a socket of the file system, which all hosts share.

`relayed` has the server's end of it. On the host, this module runs in front of a command, which then finds the server
on its own loopback: `python -m gtm_platform_tests.orchestration.relay PORT SOCKET COMMAND…`.
"""

import fcntl
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

READ_FLAGS, SET_FLAGS, IS_UP = 0x8913, 0x8914, 0x1  # of Linux: SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP

Connect = Callable[[], socket.socket]


@contextmanager
def relayed(port: int) -> Iterator[Path]:
    """Let whoever connects to a socket of the file system reach a port of this host's loopback."""
    with TemporaryDirectory(prefix="gtm-relay-") as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/socket")  # in a folder with a short name: a socket's may not be long
        listener.listen()
        server = threading.Thread(target=_serve, args=(listener, lambda: _connected(port)))
        server.start()
        try:
            yield Path(folder, "socket")
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # or the thread would wait for the next for good
            server.join()


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port))


def _connected_to_socket(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    return connection


def _serve(listener: socket.socket, connect: Connect) -> None:
    """Join each connection to another until the listener is shut, and those until they end."""
    joined: list[threading.Thread] = []
    with suppress(OSError):
        while True:
            here, _ = listener.accept()
            joined.append(threading.Thread(target=_join, args=(here, connect())))
            joined[-1].start()
    for thread in joined:
        thread.join()


def _join(here: socket.socket, away: socket.socket) -> None:
    """Pass on what either says, until both have ended."""
    with here, away:
        back = threading.Thread(target=_copy, args=(away, here))
        back.start()
        _copy(here, away)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(1 << 16):
            target.sendall(part)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        _, flags = struct.unpack("16sH14x", fcntl.ioctl(control, READ_FLAGS, request))
        fcntl.ioctl(control, SET_FLAGS, struct.pack("16sH14x", b"lo", flags | IS_UP))


def main(port: str, path: str, *command: str) -> None:
    """Serve the port on this host, in a process of its own, and become the command."""
    _bring_loopback_up()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", int(port)))
        listener.listen()
        if os.fork() == 0:
            _serve(listener, lambda: _connected_to_socket(path))
            os._exit(0)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
