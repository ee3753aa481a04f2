"""Dagster's instance, for the commands that run something: in $GTM_HOME/dagster, by the packaged dagster.yaml.

The history lies in SQLite beside that file, or in Postgres where GTM_DAGSTER_URL names one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import dagster as dg
import sqlalchemy as sa

from gtm_platform.orchestration import liveness
from gtm_platform.settings import Settings, SettingsError, settings

SETTINGS = Path(__file__).parents[1] / "deployment/dagster.yaml"
VARIABLE = "GTM_DAGSTER_URL"
# What a step made of many partitions is recorded by so many at a time: Dagster's own switch, off by default.
BATCH_VARIABLE, BATCH = "DAGSTER_EVENT_BATCH_SIZE", "500"
# dagster-postgres sends `NOTIFY channel, %s`, which psycopg 3 hands to the server as a parameter that it refuses.
DRIVER = "postgresql+psycopg2"
SQLITE = """
storage:
  custom:
    module: gtm_platform.orchestration.compat_sqlite
    class: SqliteHistory
    config: {base_dir: {env: DAGSTER_HOME}}
"""
POSTGRES = f"""
# The address, which holds a password, stays in the environment.
storage:
  postgres:
    postgres_url: {{env: {VARIABLE}}}
"""


def prepare() -> None:
    """Put dagster.yaml where Dagster looks for it, with the storage that the environment names."""
    os.environ.setdefault(BATCH_VARIABLE, BATCH)  # for this process and those it starts
    home = Path(os.environ["DAGSTER_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    text = SETTINGS.read_text()
    if url := postgres_url(settings()):
        os.environ[VARIABLE] = url  # for this process and those it starts, with the driver that works
        text += POSTGRES
    else:
        text += SQLITE
    if not (target := home / "dagster.yaml").exists() or target.read_text() != text:
        draft = home / f".dagster.yaml.{os.getpid()}"  # never half-written where another process may be reading
        draft.write_text(text)
        draft.replace(target)


def postgres_url(config: Settings) -> str | None:
    """Return the database URL of Dagster's history with the driver Dagster needs; None for SQLite."""
    if config.gtm_dagster_url is None:
        return None
    try:
        url = sa.make_url(config.gtm_dagster_url.get_secret_value())
    except sa.exc.ArgumentError:
        raise SettingsError(f"{VARIABLE} is not the address of a database: postgresql://user@host/name.") from None
    if url.get_backend_name() != "postgresql":
        raise SettingsError(f"{VARIABLE} names {url.get_backend_name()}; Dagster's history goes to Postgres or SQLite.")
    if not (find_spec("dagster_postgres") and find_spec("psycopg2")):
        raise SettingsError(f"{VARIABLE} needs more packages: pip install 'gtm-platform[postgres]'.")
    return url.set(drivername=DRIVER).render_as_string(hide_password=False)


@contextmanager
def instance() -> Iterator[dg.DagsterInstance]:
    """Open the persistent instance; runs that died without saying so are ended first."""
    prepare()
    with dg.DagsterInstance.get() as opened:
        liveness.reap(opened)
        yield opened
