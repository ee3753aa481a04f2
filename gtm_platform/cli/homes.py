"""Which home a command opens: the one that is named, else that of the real accounts, else the demo's.

A home is a folder with a lake, a state and Dagster's history. Real accounts and a made-up company never share one.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import click

from gtm_platform.cli import command_log
from gtm_platform.demo.world import DEMO_HOME, is_demo_home

REAL_HOME = Path(".gtm")


@dataclass(frozen=True)
class Home:
    """A folder, and why it was chosen."""

    path: Path
    reason: str

    @property
    def is_demo(self) -> bool:
        """Whether a made-up company lives there, or is to."""
        return self.path == DEMO_HOME.resolve() or is_demo_home(self.path)

    @property
    def has_keys(self) -> bool:
        """Whether a real account has a key in the environment."""
        return _configured_system() is not None

    def enter(self) -> "Home":
        """Let this process, and those it starts, use the home from here on."""
        from gtm_platform.settings import settings

        os.environ["GTM_HOME"] = str(self.path)
        os.environ["DAGSTER_HOME"] = str(self.path / "dagster")
        settings.cache_clear()
        command_log.begin()
        return self

    def announce(self) -> "Home":
        """Print which home is used, apart from what the command prints for programs to read."""
        click.secho(f"Home: {self.path} ({self.reason})", dim=True, err=True)
        return self


def choose_home(option: Path | None, *, sandbox: bool | None = None) -> Home:
    """Choose by --home, else GTM_HOME, else whether a sandbox is meant, else which keys are set."""
    if option is not None:
        return _home(option, "--home")
    if named := os.environ.get("GTM_HOME"):
        return _home(Path(named), "GTM_HOME")
    if sandbox is None:
        if system := _configured_system():
            return _home(REAL_HOME, f"of the real accounts, as there is a key for {system}")
        return _home(DEMO_HOME, "of the demo, as no account has a key")
    return _home(DEMO_HOME, "of the demo") if sandbox else _home(REAL_HOME, "of the real accounts")


def choose_demo_home(option: Path | None) -> Home:
    """Choose the home of the made-up company: that of --home or GTM_HOME, else its own."""
    return choose_home(option, sandbox=True)


def _home(path: Path, reason: str) -> Home:
    return Home(path.expanduser().resolve(), reason)


def read_dotenv(path: Path) -> None:
    """Set what the environment does not set itself, as `dagster dev` reads the file."""
    if path.is_file():
        for line in path.read_text().splitlines():
            name, equals, value = line.partition("=")
            if equals and not line.lstrip().startswith("#"):
                os.environ.setdefault(name.strip(), value.split(" #")[0].strip().strip("'\""))


def _configured_system() -> str | None:
    """Return a source that is on by the environment; whether files were dropped depends on the home."""
    from gtm_platform.sources.assets import SOURCES

    return next((source.name for source in SOURCES if source.required_env and not source.off()), None)


def enter_with_sandbox(home: Home) -> None:
    """Enter a home; in one of the demo the sandbox that runs there plays the accounts."""
    home.enter()
    if home.is_demo:
        from gtm_platform.demo.sandbox_process import running_sandbox
        from gtm_platform.demo.simulation import connect

        if box := running_sandbox(home.path):
            connect(box, home.path)
            click.secho(f"Sandbox: {box.url}/ {box.clock_message()}", dim=True, err=True)
        else:
            click.secho("Sandbox: none runs for this home; `gtm ui` starts it.", dim=True, err=True)
