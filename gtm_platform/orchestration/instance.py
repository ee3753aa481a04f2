"""Dagster's instance, for the commands that run something: in $GTM_HOME/dagster, by the packaged dagster.yaml.

The history lies in SQLite beside that file, or in Postgres where GTM_DAGSTER_URL names one. GTM_RUN_LAUNCHER says where
runs work: Dagster's own processes, containers or Jobs.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
import yaml

from gtm_platform.orchestration import liveness
from gtm_platform.settings import Settings, SettingsError, settings

DEPLOYMENT = Path(__file__).parents[1] / "deployment"
SETTINGS = DEPLOYMENT / "dagster.yaml"
# By the value of GTM_RUN_LAUNCHER, which is also the name of the extra: the package, and its section of dagster.yaml.
LAUNCHERS = {"docker": ("dagster_docker", "run_docker.yaml"), "kubernetes": ("dagster_k8s", "run_kubernetes.yaml")}
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
  custom:
    module: gtm_platform.orchestration.compat_postgres
    class: PostgresHistory
    config: {{postgres_url: {{env: {VARIABLE}}}}}
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
    text += launcher(settings())
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


def launcher(config: Settings) -> str:
    """Return the section of dagster.yaml on where runs work; "" for processes, Dagster's own way."""
    kind = config.gtm_run_launcher
    if kind == "process":
        return ""
    package, text = LAUNCHERS[kind]
    if not find_spec(package):
        raise SettingsError(f"GTM_RUN_LAUNCHER={kind} needs another package: pip install 'gtm-platform[{kind}]'.")
    # SQLite on a folder that hosts share loses what one of them writes, and a heartbeat that nobody sees is a death.
    needed = {"GTM_RUN_IMAGE": config.gtm_run_image, VARIABLE: config.gtm_dagster_url}
    if lacking := [name for name, value in {**needed, "GTM_STATE_URL": config.gtm_state_url}.items() if not value]:
        raise SettingsError(f"GTM_RUN_LAUNCHER={kind} needs {' and '.join(lacking)}, too: see docs/several-hosts.md.")
    section = yaml.safe_load((DEPLOYMENT / text).read_text())
    section["run_launcher"]["config"] |= _options(config.gtm_run_options)
    return f"\n{yaml.safe_dump(section, sort_keys=False)}"


def _options(file: Path | None) -> dict[str, Any]:
    """Read a person's own options of the launcher."""
    if file is None:
        return {}
    try:
        options = yaml.safe_load(file.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"GTM_RUN_OPTIONS: {file} cannot be read: {error}") from None
    if not isinstance(options, dict):
        raise SettingsError(f"GTM_RUN_OPTIONS: {file} holds no options, such as `networks: [gtm]`.")
    return options


@contextmanager
def instance() -> Iterator[dg.DagsterInstance]:
    """Open the persistent instance; runs that died without saying so are ended first."""
    prepare()
    with dg.DagsterInstance.get() as opened:
        liveness.reap(opened)
        yield opened
