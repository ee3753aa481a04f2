"""A line to a server on this machine that takes its time: what a client sends arrives some milliseconds later."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 1 << 20


@contextmanager
def slow_line(port: int, seconds: float) -> Iterator[int]:
    """Pass what comes in on a free port on to another, later; the answers at once. The free port is yielded."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            answers, sending = await asyncio.open_connection("127.0.0.1", port)
            both = _pass_on(reader, sending, seconds), _pass_on(answers, writer, 0)
            await asyncio.gather(*both)

    started = asyncio.run_coroutine_threadsafe(asyncio.start_server(connect, "127.0.0.1", 0, limit=CHUNK), loop)
    server = started.result()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Write what is read, each part so much after it came: parts that follow each other wait side by side."""
    parts: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    clock = asyncio.get_running_loop()

    async def deliver() -> None:
        while True:
            due, part = await parts.get()
            await asyncio.sleep(max(0, due - clock.time()))
            if not part:
                break
            writer.write(part)
            await writer.drain()
        writer.close()

    delivering = asyncio.create_task(deliver())
    with suppress(OSError):
        while part := await reader.read(CHUNK):
            parts.put_nowait((clock.time() + seconds, part))
    parts.put_nowait((clock.time() + seconds, b""))
    with suppress(OSError):
        await delivering
