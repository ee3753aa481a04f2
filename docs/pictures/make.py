"""Makes the pictures of the documentation from the running platform: `python docs/pictures/make.py [--home DIR]`.

It needs chromium. A small demo lives in the home, `gtm ui` serves it, and a headless browser photographs its pages.
The pages of the dashboard alone, of a home in which a demo ran: `python docs/pictures/dashboard.py --home DIR`.
"""

import argparse
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import dashboard
import httpx

FOLDER = Path(__file__).parent
GTM = [sys.executable, "-m", "gtm_platform.cli"]
SIZE = "1440,900"
LOCATION, ALERTS = "__repository__@gtm_platform", "C0ALERTS001"  # as the UI and the sandbox call them
# What a page may take to draw itself before it is photographed, in milliseconds of its own clock.
DRAWING = 15_000


def main() -> None:
    """Make every picture anew."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--home", type=Path, default=Path("pictures-home"), help="Home of the demo to photograph.")
    arguments.add_argument("--people", type=int, default=300)
    arguments.add_argument("--days", type=int, default=14)
    chosen = arguments.parse_args()
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("The pictures are made by chromium, which is not installed.")
    subprocess.run(
        [*GTM, "demo", "--home", chosen.home, "--people", str(chosen.people), "--days", str(chosen.days)], check=True
    )
    port = free_port()
    with subprocess.Popen([*GTM, "ui", "--home", chosen.home, "--port", str(port)]) as ui:
        try:
            wait_for(f"http://127.0.0.1:{port}/server_info")
            sandbox = (chosen.home / "sandbox" / "url").read_text().strip()
            photograph_all(browser, f"http://127.0.0.1:{port}", sandbox)
        finally:
            ui.send_signal(signal.SIGINT)
    dashboard.photograph(browser, chosen.home.resolve(), FOLDER)


def photograph_all(browser: str, dagster: str, sandbox: str) -> None:
    """Photograph each page."""
    pages = {
        "graph": f"{dagster}/asset-groups",
        "group": f"{dagster}/locations/{LOCATION}/asset-groups/health/lineage",
        "source": f"{dagster}/assets/hubspot/contacts?view=overview",
        "customers": f"{dagster}/assets/core/unified_customers?view=overview",
        "slack": f"{sandbox}/slack/?channel={ALERTS}",
        "sandbox": f"{sandbox}/",
    }
    for name, url in pages.items():
        photograph(browser, url, FOLDER / f"{name}.png")


def photograph(browser: str, url: str, target: Path) -> None:
    """Let a headless browser draw the page and keep what it shows."""
    options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={SIZE}"]
    options += [f"--virtual-time-budget={DRAWING}", f"--screenshot={target}"]
    subprocess.run([browser, *options, url], check=True, capture_output=True)
    print(f"{target}: {target.stat().st_size:,} bytes")


def wait_for(url: str, seconds: float = 120) -> None:
    """Return once the address answers."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            httpx.get(url, timeout=5, trust_env=False).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise TimeoutError(f"{url} did not answer within {seconds:.0f} seconds")


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
