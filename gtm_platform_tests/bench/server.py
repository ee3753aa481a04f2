"""A server as cheap as can be, so that what is measured is the client: pages of contacts, serialised beforehand and
answered at once, or after so many seconds. `/<records>/contacts?after=<page>` is a list of so many, as in HubSpot."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gtm_platform_tests.bench.contacts import PAGE, contact

TEMPLATES = 100  # different pages; ids and addresses differ from page to page all the same
NUMBER = b"PAGENO"  # stands where a page's own number is put in


def templates() -> list[list[bytes]]:
    """Pages, each as what lies between the places of its number."""
    numbered = [[contact(number * PAGE + row, NUMBER.decode()) for row in range(PAGE)] for number in range(TEMPLATES)]
    return [json.dumps(each, separators=(",", ":")).encode().split(NUMBER) for each in numbered]


class Pages(asyncio.Protocol):
    def __init__(self, bodies: list[list[bytes]], wait: float) -> None:
        self.bodies, self.wait, self.requested = bodies, wait, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.requested += data
        while b"\r\n\r\n" in self.requested:
            request, _, self.requested = self.requested.partition(b"\r\n\r\n")
            answer = self.answer(request.partition(b"\r\n")[0])
            if self.wait:
                asyncio.get_running_loop().call_later(self.wait, self.transport.write, answer)
            else:
                self.transport.write(answer)

    def answer(self, line: bytes) -> bytes:
        path = line.split(b" ")[1]
        records, after = int(path.split(b"/")[1]), int(path.rpartition(b"after=")[2] if b"after=" in path else 0)
        body = b'{"results":' + (b"%06d" % after).join(self.bodies[after % TEMPLATES])
        more = b',"paging":{"next":{"after":"%d"}}}' % (after + 1) if (after + 1) * PAGE < records else b"}"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        return head % (len(body) + len(more)) + body + more


async def serve(wait: float) -> None:
    bodies = templates()
    server = await asyncio.get_running_loop().create_server(lambda: Pages(bodies, wait), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


@contextmanager
def serving(wait: float = 0.0) -> Iterator[str]:
    """The server's address, while it runs in a process of its own."""
    command = [sys.executable, "-m", "gtm_platform_tests.bench.server", str(wait)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
