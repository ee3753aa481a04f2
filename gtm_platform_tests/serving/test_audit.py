"""What is read and done through API, chat, pages and commands becomes an entry, with persons by their ids only."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import click
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from gtm_platform.cli import command_log, gtm
from gtm_platform.cli.command_log import UNAUDITED
from gtm_platform.serving.audit_asset import POLICY, note_policy, verified
from gtm_platform.serving.page_log import PageLog
from gtm_platform.serving.store import CustomerQuery, Snapshot
from gtm_platform.serving.viewer import TRUSTED, actor_of
from gtm_platform.settings import settings
from gtm_platform.state import State, open_state
from gtm_platform.state.audit import Entry, append, verify
from gtm_platform.state.audit_anchors import as_text, keep_anchor
from gtm_platform.state.schema import audit
from gtm_platform_tests.serving.server import Served
from gtm_platform_tests.serving.world import NOW


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("GTM_HOME", str(tmp_path))
    settings.cache_clear()
    open_state(settings().state_url).close()
    yield tmp_path
    settings.cache_clear()


def rows(state: State) -> list[sa.RowMapping]:
    with state.reading() as tx:
        return list(tx.execute(sa.select(audit).order_by(audit.c.id)).mappings())


def run(*arguments: str, code: int = 0) -> str:
    answer = CliRunner().invoke(gtm, list(arguments))
    assert answer.exit_code == code, answer.output
    return answer.output


@pytest.mark.faults("V1")
def test_a_request_is_an_entry_with_everybody_whom_it_showed(api: Served) -> None:
    listed = [row["customer_id"] for row in api.get("/v1/customers?limit=3").json()["data"]]
    api.get("/v1/customers?limit=3", "masked")
    api.get(f"/v1/customers/{listed[0]}")
    api.written()
    first, masked, detail = rows(api.state)
    assert (first["action"], first["detail"]["people"]) == ("GET /v1/customers", listed)
    assert "people" not in masked["detail"]
    assert (detail["subject"], detail["detail"]["people"]) == (listed[0], [listed[0]])
    assert "@" not in json.dumps([dict(row, at=None) for row in (first, masked, detail)])


def test_a_request_that_was_answered_before_shows_nobody(api: Served) -> None:
    tag = api.get("/v1/customers?limit=3").headers["etag"]
    assert api.get("/v1/customers?limit=3", **{"if-none-match": tag}).status_code == 304
    api.written()
    assert [("people" in row["detail"], row["detail"]["status"]) for row in rows(api.state)] == [
        (True, 200),
        (False, 304),
    ]


@pytest.mark.faults("V1")
def test_the_trail_is_read_by_who_may_and_pages_are_whole(api: Served) -> None:
    assert api.get("/v1/audit").status_code == 403
    for _ in range(3):
        api.get("/v1/customers?limit=1")
    api.written()
    page = api.get("/v1/audit?limit=2", "everything").json()
    more = api.get(f"/v1/audit?limit=2&cursor={page['next_cursor']}", "everything").json()
    ids = [row["id"] for row in [*page["data"], *more["data"]]]
    assert ids == [row["id"] for row in rows(api.state)][:4]
    person = page["data"][1]["detail"]["people"][0]
    assert api.get(f"/v1/audit?person={person}", "everything").json()["data"]
    assert api.get("/v1/audit?person=cus_nobody", "everything").json()["data"] == []
    assert api.get("/v1/audit?day=2020-01-01", "everything").json()["data"] == []


@pytest.mark.faults("V1")
@pytest.mark.usefixtures("home")
def test_a_page_is_an_entry_and_no_click_waits_for_it(snapshot: Snapshot) -> None:
    log = PageLog(settings().state_url, lambda: NOW)
    with log.showing(TRUSTED, "at_risk"):
        snapshot.customers(CustomerQuery(limit=2)).rows(personal=True)
    with closing(open_state(settings().state_url)) as state:
        assert rows(state) == []
        log.write()
        [entry] = rows(state)
    assert (entry["actor"], entry["action"], len(entry["detail"]["people"])) == ("dashboard", "page at_risk", 2)


def test_a_page_that_cannot_be_written_waits_for_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.mkdir()
    log = PageLog(f"sqlite:///{path}", lambda: NOW)
    with log.showing(TRUSTED, "overview"):
        pass
    log.write()
    path.rmdir()
    log.write()
    with closing(open_state(f"sqlite:///{path}")) as state:
        assert [row["action"] for row in rows(state)] == ["page overview"]


@pytest.mark.faults("V1")
@pytest.mark.usefixtures("home")
def test_a_command_is_an_entry_without_its_arguments() -> None:
    run("token", "create", "--name", "jane@acme.com")
    run("query", "select 'jane@acme.com'", code=1)  # nothing was synced: that is an entry, too
    with closing(open_state(settings().state_url)) as state:
        entries = rows(state)
        assert [row["action"] for row in entries] == ["token created", "gtm token create", "gtm query"]
        assert "jane" not in json.dumps([dict(row, at=None) for row in entries])
        with state.reading() as tx:
            assert verify(tx).broken is None


@pytest.mark.usefixtures("home")
def test_that_an_entry_could_not_be_written_is_said_with_its_own_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def write() -> None:
        raise RuntimeError("The disk is full.")

    monkeypatch.setattr(command_log, "write", write)
    result = CliRunner().invoke(gtm, ["audit", "export"])
    assert "This command is not in the audit trail. The disk is full.\n" in result.stderr
    assert result.exit_code == 2, "the command ended as it would have"


def test_a_command_has_one_name_however_its_process_was_started() -> None:
    root = click.Context(gtm, info_name="python -m gtm_platform.cli")
    group = click.Context(gtm.commands["audit"], root, info_name="audit")
    command = click.Context(gtm.commands["audit"].commands["verify"], group, info_name="verify")  # type: ignore[attr-defined]
    with command:
        command_log.begin()
    assert command_log._running == []
    with click.Context(gtm.commands["query"], root, info_name="query"):
        command_log.begin()
    assert [entry.command for entry in command_log._running] == ["gtm query"]
    command_log._running.clear()


def test_the_commands_that_are_no_entry_exist() -> None:
    known = set()

    def walk(group: click.Group, path: str) -> None:
        for name, command in group.commands.items():
            known.add(f"{path} {name}")
            if isinstance(command, click.Group):
                walk(command, f"{path} {name}")

    walk(gtm, "gtm")
    assert known >= UNAUDITED.keys()


def test_a_command_without_a_state_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_HOME", str(tmp_path / "none"))
    settings.cache_clear()
    command_log._running[:] = [command_log.OpenEntry("gtm query")]
    command_log.write()
    assert not (tmp_path / "none").exists()
    settings.cache_clear()


@pytest.mark.faults("V1")
def test_verify_names_what_is_broken_and_says_the_head_otherwise(home: Path) -> None:
    with closing(open_state(settings().state_url)) as state:
        with state.writing() as tx:
            append(tx, [Entry(NOW, "token 1", "GET /", f"cus_{n}", {"people": [f"cus_{n}"]}) for n in range(5)])
        with state.reading() as tx:
            head = verify(tx).head
        keep_anchor(home, head)
        said = run("audit", "verify")
        assert f"Head: {as_text(head)}" in said
        with state.writing() as tx:
            tx.execute(sa.delete(audit).where(audit.c.id == 5))
        assert "Broken at entry 5: the chain ends here" in run("audit", "verify", code=1)
        with state.writing() as tx:
            tx.execute(sa.update(audit).where(audit.c.id == 2).values(subject="cus_other"))
        assert "Broken at entry 2: it says something else" in run("audit", "verify", code=1)


@pytest.mark.usefixtures("home")
def test_an_export_has_what_was_chosen_with_its_hashes(tmp_path: Path) -> None:
    sam = actor_of("Sam@Acme.com ")
    assert sam == actor_of("sam@acme.com")
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        added = [Entry(NOW, sam, "page customer", "", {"people": ["cus_1"]}), Entry(NOW, "token 1", "GET /", "", {})]
        append(tx, [*added, Entry(NOW + timedelta(days=1), sam, "page customer", "", {"people": ["cus_2"]})])
    file = tmp_path / "out.jsonl"

    def exported(*options: str) -> list[dict[str, object]]:
        run("audit", "export", "--to", str(file), *options)
        return [json.loads(line) for line in file.read_text().splitlines()]

    assert [row["actor"] for row in exported("--actor", "sam@acme.com")] == [sam, sam]
    assert [row["detail"] for row in exported("--person", "cus_2")] == [{"people": ["cus_2"]}]
    assert len(exported("--since", f"{NOW:%Y-%m-%d}", "--until", f"{NOW:%Y-%m-%d}")) == 2
    whole = exported("--since", f"{NOW:%Y-%m-%d}")
    assert [row["previous"] for row in whole][1:] == [row["hash"] for row in whole][:-1]


@pytest.mark.usefixtures("home")
def test_a_policy_that_changes_is_an_entry_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from gtm_platform import policy as rules
    from gtm_platform.serving import audit_asset

    changed = rules.policy().model_copy(update={"access": rules.Access(everybody="analyst")})
    with closing(open_state(settings().state_url)) as state:
        note_policy(state, NOW)
        note_policy(state, NOW)
        monkeypatch.setattr(audit_asset, "policy", lambda: changed)
        note_policy(state, NOW)
        entries = rows(state)
        assert [row["action"] for row in entries] == [POLICY, POLICY]
        assert entries[1]["detail"]["before"] == entries[0]["subject"] != entries[1]["subject"]
        assert verified(state, settings()).broken is None


@pytest.mark.usefixtures("home")
def test_no_thread_is_left_waiting() -> None:
    log = PageLog(settings().state_url, lambda: NOW)
    with log.showing(TRUSTED, "overview"):
        pass
    assert all(thread.daemon for thread in threading.enumerate() if isinstance(thread, threading.Timer))
    log.write()
