"""The dashboard as a process: on this machine only, without telemetry or error details, and ended with its block."""

import os
from pathlib import Path

import httpx
import pytest

from gtm_platform.cli.processes import child_process, free_port
from gtm_platform.dashboard import process


@pytest.mark.faults("V15")
def test_it_is_served_and_ends(home: Path, tmp_path: Path) -> None:
    port, log = free_port(process.USUAL_PORT), tmp_path / "dashboard.log"
    environment = os.environ | {"GTM_HOME": str(home)}
    with (
        child_process("The dashboard", process.command(port), environment, log) as served,
        httpx.Client(transport=httpx.HTTPTransport(retries=12), trust_env=False, timeout=60) as client,
    ):
        assert client.get(f"{process.address(port)}/_stcore/health").text == "ok"
        assert "<title>" in client.get(process.address(port)).text
        assert [_upgraded(client, port, host) for host in ("127.0.0.1", "localhost", "evil.example")] == [101, 101, 403]
    assert served.process.poll() is not None
    assert "Traceback" not in log.read_text()


def _upgraded(client: httpx.Client, port: int, host: str) -> int:
    """Ask for the websocket under a name; return the status of the answer."""
    handshake = {
        "Host": f"{host}:{port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    with client.stream("GET", f"{process.address(port)}/_stcore/stream", headers=handshake) as answer:
        return answer.status_code


def test_it_is_configured_by_the_file_beside_the_script() -> None:
    config = (process.SCRIPT.parent / ".streamlit" / "config.toml").read_text()
    for line in ('showErrorDetails = "none"', 'showErrorLinks = "false"', "gatherUsageStats = false"):
        assert line in config
    assert process.HOST == "127.0.0.1"


def test_streamlit_finds_no_pages_of_its_own_beside_the_script() -> None:
    assert not (process.SCRIPT.parent / "pages").exists()  # with one, an address opened first is blank
