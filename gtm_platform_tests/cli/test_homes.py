"""Which home a command opens, and that real accounts and a made-up company never share one."""

import subprocess
import sys
from pathlib import Path

import pytest

from gtm_platform.cli.homes import choose_demo_home, choose_home
from gtm_platform.demo.world import World, claim_home
from gtm_platform_tests.cli.conftest import Command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which somebody types, without a GTM_HOME."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GTM_HOME")
    return tmp_path


def test_without_keys_it_is_the_demos(folder: Path) -> None:
    chosen = choose_home(None)
    assert (chosen.path, chosen.is_demo, chosen.has_keys) == (folder / ".gtm-demo", True, False)


def test_with_the_key_of_an_account_it_is_the_real_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_1")
    chosen = choose_home(None)
    assert (chosen.path, chosen.is_demo) == (folder / ".gtm", False)
    assert "a key for stripe" in chosen.reason
    assert choose_demo_home(None).path == folder / ".gtm-demo"


def test_whoever_says_which_accounts_are_meant_is_believed(folder: Path) -> None:
    assert choose_home(None, sandbox=True).path == folder / ".gtm-demo"
    assert choose_home(None, sandbox=False).path == folder / ".gtm"


def test_a_home_that_is_named_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_HOME", "named")
    assert choose_home(None).path == choose_demo_home(None).path == folder / "named"
    assert choose_home(Path("option"), sandbox=True).path == folder / "option"


def test_the_first_line_says_which_home_is_used(folder: Path, command: Command) -> None:
    answer = command("doctor")
    assert answer.stderr.splitlines()[0] == f"Home: {folder / '.gtm-demo'} (of the demo, as no account has a key)"


def test_a_home_with_data_of_accounts_takes_no_demo(home: Path, command: Command) -> None:
    (home / "lake").mkdir(parents=True)
    for arguments in (["demo", "--home", str(home)], ["ui", "--sandbox", "--home", str(home)]):
        answer = command(*arguments)
        assert answer.exit_code == 1
        assert f"{home} holds data that no demo made" in answer.stderr
    assert [path.name for path in home.iterdir()] == ["lake"]


def test_a_demos_home_takes_no_real_accounts(home: Path, command: Command) -> None:
    World(20, 1, "2026-03-01").write(home)
    answer = command("ui", "--no-sandbox", "--home", str(home))
    assert answer.exit_code == 1
    assert f"{home} holds a made-up company: real accounts have a home of their own" in answer.stderr


def test_a_demo_goes_on_in_a_home_that_a_sandbox_was_served_from(home: Path) -> None:
    from datetime import date

    World(20, 1, None).write(home)
    assert claim_home(home, 20, 1, date(2026, 3, 1)) == World(20, 1, "2026-03-01") == World.of(home)
    with pytest.raises(ValueError, match="a world of 20 people with seed 1, not of 30"):
        claim_home(home, 30, 1, date(2026, 3, 1))


LOADED = """
import sys
from gtm_platform.cli.homes import choose_home
choose_home(None)
print(sorted(name for name in sys.modules if name in ("gtm_platform.definitions", "gtm_platform.core.assets")))
"""


def test_choosing_a_home_loads_nothing_that_is_made_for_one(tmp_path: Path) -> None:
    import gtm_platform

    environment = {"PYTHONPATH": str(Path(gtm_platform.__file__).parents[1]), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", LOADED]
    printed = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
    assert list(tmp_path.iterdir()) == []
