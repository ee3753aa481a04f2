"""A home of a few hundred customers over some weeks, and its pages as a browser would have them, without one."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gtm_platform.lake.lake import Lake
from gtm_platform.serving.store import Snapshot, Store
from gtm_platform.settings import settings
from gtm_platform_tests.dashboard.world import settle
from gtm_platform_tests.serving.world import TRIGGER

CUSTOMERS, DAYS = 240, 9
WATCHED = "cus_0000002"
ALERT = {
    "id": 7,
    "at": "2026-03-01T10:00:00Z",
    "day": "2026-03-01",
    "kind": "cancel_mention",
    "severity": "critical",
    "subject_kind": "customer",
    "subject_id": WATCHED,
    "title": "Cancel mention",
    "why": "Wrote of [cancelling](https://evil.example).",
    "advice": "Call the customer today.",
    "status": "sent",
    "sent_at": None,
}
RUNS = [
    {
        "run_id": f"run-{number}",
        "job": "sync_stripe",
        "status": status,
        "first_partition": "2026-03-01",
        "last_partition": "2026-03-01",
        "created_at": "2026-03-02T00:15:00Z",
        "began_at": "2026-03-02T00:15:02Z",
        "ended_at": "2026-03-02T00:16:00Z",
    }
    for number, status in enumerate(("failure", "success", "success"))
]
WRITE = {
    "at": "2026-03-02T05:00:00Z",
    "day": "2026-03-01",
    "run_id": "run-9",
    "object_type": "contacts",
    "object_id": "1002",
    "customer_id": WATCHED,
    "fields": [
        {"property": "gtm_health_score", "before": "61", "after": "58", "status": "written", "reason": None},
        {"property": "gtm_mrr", "before": "9", "after": "12", "status": "held", "reason": "edited by hand"},
    ],
}
CHECKS = [
    {
        "asset": f"core/table{number}",
        "check": "contract",
        "status": status,
        "partition": None,
        "at": "2026-03-02T05:00:00Z",
        "run_id": "run-9",
        "about": "3 days are as they should be.",
    }
    for number, status in enumerate(("error", "passed", "passed"))
]
ACCOUNTS = [
    {"system": "hubspot", "account_id": "20000007", "label": "HubSpot portal 20000007"},
    {"system": "intercom", "account_id": "app7", "label": "Intercom workspace app7"},
    {"system": "stripe", "account_id": "acct_1/test", "label": "Stripe account acct_1, test mode"},
]
DELIVERIES = [
    {
        "object_type": "companies",
        "day": "2026-03-01",
        "at": "2026-03-02T05:00:00Z",
        "run_id": "run-8",
        "stopped": False,
        "approved": False,
        "counts": {"queried": 9, "unchanged": 8, "written": 0, "created": 0, "held": 1, "rejected": 0},
        "why": "9 companies: 0 written (0 fields), 8 unchanged, 1 held, 0 rejected",
        "not_created": [{"record_id": "com_7", "reason": "HubSpot has 2 such companies: 1, 2."}],
    },
    {
        "object_type": "contacts",
        "day": "2026-03-01",
        "at": "2026-03-02T05:00:00Z",
        "run_id": "run-8",
        "stopped": True,
        "approved": False,
        "counts": {"records": 10, "changes": 6, "creations": 0},
        "why": "6 of 10 contacts would change: gtm hubspot approve run-8",
        "not_created": [],
    },
]
FAILING = TRIGGER | {"id": "sub_2", "status": "active", "why": "", "failing_since": "2026-03-01T10:00:00Z", "dead": 0}
FAILING |= {"dead_letters": [], "filters": {}, "waiting": 3}
Open = Callable[..., AppTest]
SCRIPT = "from gtm_platform.dashboard.frame.app import main\nmain({page!r})"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dashboard")
    more = {"alerts": [ALERT], "sync_runs": RUNS, "hubspot_writes": [WRITE], "checks": CHECKS, "accounts": ACCOUNTS}
    more |= {"hubspot_deliveries": DELIVERIES, "triggers": [TRIGGER, FAILING]}
    settle(folder, CUSTOMERS, DAYS, **more)
    return folder


@pytest.fixture
def lake(home: Path) -> Lake:
    return Lake(home / "lake")


@pytest.fixture
def snapshot(home: Path) -> Snapshot:
    return Store(home / "serving").current()


@pytest.fixture
def open_page(home: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    return opener(home, monkeypatch)


def opener(home: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Pages of a home by name, with the query of their address."""
    monkeypatch.setenv("GTM_HOME", str(home))
    settings.cache_clear()

    def open_it(page: str, **query: str | Sequence[str]) -> AppTest:
        app = AppTest.from_string(SCRIPT.format(page=page), default_timeout=60)
        for name, value in query.items():
            app.query_params[name] = value if isinstance(value, str) else list(value)
        app.run()
        assert [str(error.message) for error in app.exception] == []
        return app

    return open_it
