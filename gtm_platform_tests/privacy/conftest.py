"""A small home, made once and copied for each test that harms it."""

import shutil
import sqlite3
from pathlib import Path

import duckdb
import pytest

import gtm_platform.definitions  # noqa: F401  declares every table
from gtm_platform.lake import catalogue
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform_tests.privacy import small_home
from gtm_platform_tests.privacy.small_home import CUSTOMER, JANE, JANES_NAME, KEY, Outside, SmallHome


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home as it is before anybody is erased."""
    home = tmp_path_factory.mktemp("made")
    small_home.fill(Lake(home / "lake"))
    files = {
        "reports/weekly/2026-03-01/report.html": "<h1>2 customers</h1>"
        f"<tr><td>{JANES_NAME}</td></tr><tr><td>Bob</td></tr>",
        "reports/weekly/2026-03-01/report.pdf": "packed",
        "reports/weekly/2026-03-01/report.csv": f'name,mrr\r\n"{JANES_NAME}",5\r\nBob,6\r\n',
        "files/partners_csv/0001_list.csv": f"company;contact\nFirm;{JANE}\nOther;x@y.example\n",
        "dagster/storage/run/compute_logs/a.err": f"it was {JANE}\n",
        "etags/github/x.json": f'{{"login": "x", "email": "{JANE}"}}',
        "serving/00000000000000000000.sqlite": f"{JANE}",
        "hot/hubspot/contacts/2026-03-02T0600.1.open.parquet": JANE,
        "state-copies/state.0014.db": JANE,
        "state.replaced-20260301T000000.db": JANE,
    }
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(content)
    with sqlite3.connect(home / "dagster" / "history.db") as db:
        db.execute("create table events (id integer primary key, body text)")
        db.executemany("insert into events(body) values (?)", [("fine",), (f'{{"m": "{JANE}"}}',), (CUSTOMER,)])
    db.close()
    (home / "lake" / "hubspot" / "contacts" / ".x.parquet").write_text(JANE)
    catalogue.renew(Lake(home / "lake"))
    with duckdb.connect(str(home / "gtm.duckdb")) as guest:
        guest.execute("create table notes as select * from (values (?, 1), ('Bob', 2)) t(who, n)", [JANES_NAME])
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallHome:
    """A copy of that home, in which the test lives."""
    return copy_of(made, tmp_path / "copy", monkeypatch)


def copy_of(made: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallHome:
    shutil.copytree(made, path)
    monkeypatch.setenv("GTM_HOME", str(path))
    monkeypatch.setenv("GTM_PRIVACY_KEY", KEY)
    settings.cache_clear()
    small_home.fill_state(f"sqlite:///{path / 'state.db'}")
    return SmallHome(path, Outside())
