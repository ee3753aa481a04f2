"""The command that serves the dashboard: Streamlit with our script, on this machine only unless told otherwise."""

import sys
from pathlib import Path

from gtm_platform.serving.sign_in import is_on
from gtm_platform.settings import settings

SCRIPT = Path(__file__).parent / "frame" / "app.py"
SIGNED_IN = SCRIPT.with_name("signed_in.py")  # the same behind a sign-in
HOST, USUAL_PORT = "127.0.0.1", 8501


def address(port: int) -> str:
    """Return where the dashboard is opened."""
    return f"http://{HOST}:{port}"


def command(port: int, host: str = HOST) -> list[str]:
    """Return what serves it at a port; the rest is in `.streamlit/config.toml` by the script."""
    script = SIGNED_IN if is_on(settings()) else SCRIPT
    streamlit = [sys.executable, "-W", "ignore", "-m", "streamlit", "run", str(script)]
    return [*streamlit, "--server.address", host, "--server.port", str(port), "--browser.gatherUsageStats", "false"]
