"""A headless chromium, told by the DevTools protocol to open a page, to wait until it is drawn, and to take it."""

import base64
import io
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from websockets.sync.client import ClientConnection, connect

READY = """(() => {
    const app = document.querySelector('[data-testid="stApp"]');
    return Boolean(app) && app.dataset.testScriptState === 'notRunning' && Boolean(document.querySelector('h1'))
        && !document.querySelector('[data-testid="stSkeleton"]') && !document.querySelector('[data-stale="true"]');
})()"""
WRONG = """document.querySelector('[data-testid="stException"]')?.innerText || ''"""
HEIGHT = """document.querySelector('[data-testid="stMain"]').scrollHeight"""
OPTIONS = ("--headless", "--no-sandbox", "--hide-scrollbars", "--disable-gpu", "--force-color-profile=srgb")
SETTLING = 1.5  # seconds that charts and tables take to be drawn after the script has ended
TALLEST = 6_000
COLOURS = 256  # of a picture, which is then a third as large


class Browser:
    """One tab of it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._number = socket, 0

    def photograph(self, url: str, target: Path, width: int, phone: bool = False, seconds: float = 60) -> None:
        """Take the whole page at that width; raise where it shows an exception or never comes to rest."""
        self._size(width, 900, phone)
        self._call("Page.navigate", url=url)
        ends = time.monotonic() + seconds
        while not self._evaluate(READY):
            if time.monotonic() > ends:
                raise TimeoutError(f"{url} was not drawn within {seconds:.0f} seconds")
            time.sleep(0.2)
        time.sleep(SETTLING)
        if wrong := self._evaluate(WRONG):
            raise RuntimeError(f"{url} shows an exception: {wrong}")
        self._size(width, min(max(self._evaluate(HEIGHT), 500), TALLEST), phone)
        time.sleep(SETTLING)
        picture = self._call("Page.captureScreenshot", format="png")
        drawn = Image.open(io.BytesIO(base64.b64decode(picture["data"]))).convert("RGB")
        drawn.quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE).save(
            target, optimize=True
        )
        print(f"{target}: {target.stat().st_size:,} bytes")

    def _size(self, width: int, height: int, phone: bool) -> None:
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)

    def _evaluate(self, expression: str) -> Any:
        return self._call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get("id") == self._number:
                return dict(answer["result"])


@contextmanager
def opened(executable: str) -> Iterator[Browser]:
    """Start it, and end it with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [executable, *OPTIONS, f"--user-data-dir={profile}", "--remote-debugging-port=0", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            port = _port(Path(profile) / "DevToolsActivePort")
            tab = httpx.put(f"http://127.0.0.1:{port}/json/new?about:blank", trust_env=False, timeout=30).json()
            with connect(tab["webSocketDebuggerUrl"], max_size=None, proxy=None) as socket:
                yield Browser(socket)
        finally:
            process.terminate()
            process.wait(20)


def _port(file: Path, seconds: float = 30) -> int:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if file.exists() and file.read_text().strip():
            return int(file.read_text().splitlines()[0])
        time.sleep(0.1)
    raise TimeoutError(f"chromium did not start within {seconds:.0f} seconds")
