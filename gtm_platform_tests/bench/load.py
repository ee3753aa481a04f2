"""Requests at a steady rate, whether earlier ones were answered or not; a wait is counted from when each was due."""

import asyncio
import json
import sys
from typing import Any
from urllib.parse import urlsplit

CONNECTIONS = 16


class Connection:
    """A connection that is kept, over which one request goes at a time."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.reader: asyncio.StreamReader | None = None

    async def ask(self, request: bytes) -> tuple[int, int]:
        """Return the status and the length of the answer."""
        if self.reader is None:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        await self.reader.readexactly(length)
        return int(head.split()[1]), length


async def load(url: str, token: str, paths: list[str], rate: float, seconds: float) -> dict[str, Any]:
    """Ask for the paths in turn; return the waits in seconds, the statuses and the mean length."""
    place = urlsplit(url)
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(Connection(str(place.hostname), int(place.port or 0)))
    loop = asyncio.get_running_loop()
    waits: list[float] = []
    statuses: dict[int, int] = {}
    lengths = 0

    async def ask(path: str, due: float) -> None:
        nonlocal lengths
        connection = await free.get()
        try:
            request = f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n"
            status, length = await connection.ask(request.encode())
        except (OSError, asyncio.IncompleteReadError):
            status, length, connection.reader = 0, 0, None
        free.put_nowait(connection)
        waits.append(loop.time() - due)
        statuses[status] = statuses.get(status, 0) + 1
        lengths += length

    began = loop.time()
    tasks = []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - loop.time()))
        tasks.append(asyncio.create_task(ask(paths[number % len(paths)], due)))
    await asyncio.gather(*tasks)
    return {"waits": sorted(waits), "statuses": statuses, "bytes": lengths / len(waits)}


if __name__ == "__main__":
    arguments = json.loads(sys.stdin.read())
    print(json.dumps(asyncio.run(load(**arguments))))
