"""Photographs every page of the dashboard, some on a phone too: `python docs/pictures/dashboard.py --home DIR`.

It needs chromium, and a home in which a demo has run.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import httpx
from browser import Browser, opened

from gtm_platform.cli.processes import child_process, free_port
from gtm_platform.dashboard.frame.page import discover
from gtm_platform.dashboard.process import USUAL_PORT, address, command
from gtm_platform.serving.store import CustomerQuery, Snapshot, Store

FOLDER = Path(__file__).parent
WIDE, PHONE = 1440, 390
ON_A_PHONE = ("overview", "changes", "at_risk", "a_customer")


def main() -> None:
    """Make the pictures of the home's dashboard anew."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--home", type=Path, required=True)
    arguments.add_argument("--to", type=Path, default=FOLDER, help="Folder of the pictures.")
    arguments.add_argument("--only", nargs="*", help="Names of pages.")
    chosen = arguments.parse_args()
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("The pictures are made by chromium, which is not installed.")
    photograph(browser, chosen.home.resolve(), chosen.to, chosen.only)


def photograph(executable: str, home: Path, folder: Path, only: list[str] | None = None) -> None:
    """Serve the dashboard of a home, and take its pages."""
    clock = home / "sandbox" / "clock.json"
    environment = os.environ | {"GTM_HOME": str(home), "GTM_SANDBOX_CLOCK": str(clock)}
    port = free_port(USUAL_PORT)
    with tempfile.TemporaryDirectory() as logs, child_process("It", command(port), environment, Path(logs) / "log"):
        _wait_for(f"{address(port)}/_stcore/health")
        with opened(executable) as browser:
            for name, path in _paths(Store(home / "serving").current()).items():
                if not only or name in only:
                    _take(browser, f"{address(port)}/{path}", name, folder)


def _take(browser: Browser, url: str, name: str, folder: Path) -> None:
    browser.photograph(url, folder / f"dashboard_{name}.png", WIDE)
    if name in ON_A_PHONE:
        browser.photograph(url, folder / f"dashboard_{name}_phone.png", PHONE, phone=True)


def _paths(snapshot: Snapshot) -> dict[str, str]:
    """Return the addresses of the pages; those of a customer and a company that have something to show."""
    paths = {name: "" if name == "overview" else name.replace("_", "-") for name in discover()}
    at_risk = CustomerQuery({"health": ["at_risk", "high_risk", "critical"]}, limit=200)
    rows = snapshot.customers(at_risk).rows(personal=True)
    if rows:
        worst = max(rows, key=lambda row: (len(row["risk_signals"] or ()), row["mrr_reporting"] or 0))
        paths["a_customer"] = f"customer?id={worst['customer_id']}"
        paths["a_company"] = f"company?id={rows[0]['company_id']}"
    return paths


def _wait_for(url: str) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(retries=20), trust_env=False, timeout=60) as client:
        client.get(url).raise_for_status()


if __name__ == "__main__":
    main()
