"""Drills, with the commands that a person types: an update is undone."""

import sqlite3
from contextlib import closing
from pathlib import Path

from gtm_platform.state.schema import VERSION
from gtm_platform.state.sqlite_copy import copy_database, version_of
from gtm_platform_tests.cli.conftest import Command


def test_an_update_is_undone_with_the_command_that_the_version_of_before_names(home: Path, command: Command) -> None:
    assert command("token", "list").exit_code == 0
    state, copy = home / "state.db", home / "state-copies" / f"state.{VERSION}.db"
    copy_database(state, copy)
    with closing(sqlite3.connect(state)) as updated:  # what a version that does not exist yet would leave
        updated.execute("update alembic_version set version_num = '9999'")
        updated.commit()
    refused = command("token", "list")
    assert refused.exit_code == 1
    named = f"gtm restore {copy} --home {home}"
    sentence = "The state was written by another version of the platform: Can't locate revision identified by '9999'"
    assert refused.stderr.count(sentence) == 1
    assert "This command is not in the audit trail.\n" in refused.stderr
    assert f"Update it, or go back to the state of before: {named}." in refused.stderr
    assert version_of(state) == "9999", "it was left as it was"
    undone = command(*named.split()[1:])
    assert undone.exit_code == 0, undone.output
    assert version_of(state) == VERSION
    assert command("token", "list").exit_code == 0
    [aside] = home.glob("state.replaced-*.db")
    assert version_of(aside) == "9999"


def test_a_copy_that_is_newer_than_the_version_is_not_named(home: Path, command: Command) -> None:
    assert command("token", "list").exit_code == 0
    copy_database(home / "state.db", home / "state-copies" / "state.9998.db")
    with closing(sqlite3.connect(home / "state.db")) as updated:
        updated.execute("update alembic_version set version_num = '9999'")
        updated.commit()
    refused = command("token", "list")
    assert "identified by '9999'. Update it.\n" in refused.stderr
    assert "go back" not in refused.stderr
