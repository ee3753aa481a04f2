"""A home under keys: snapshot, state, files; what `gtm key rotate` and `gtm doctor` say, and a process without keys."""

import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result
from fastapi import FastAPI
from starlette.testclient import TestClient

from gtm_platform import sealed_files
from gtm_platform.cli import gtm
from gtm_platform.cli.doctor import encryption_finding
from gtm_platform.keyring import KeyProblem, Keyring, noted_keys
from gtm_platform.lake.lake import Lake
from gtm_platform.privacy import at_rest
from gtm_platform.privacy.at_rest import PLAIN_FILES, Rotation
from gtm_platform.serving.api.problems import install
from gtm_platform.serving.snapshot.build import build
from gtm_platform.serving.snapshot.files import folder_of, stamps
from gtm_platform.serving.snapshot.files import path_of as snapshot_of
from gtm_platform.serving.store import CustomerQuery, Store
from gtm_platform.settings import settings
from gtm_platform.state import open_state, sqlite_files
from gtm_platform.state.audit import note
from gtm_platform.state.sqlite_copy import keep_before_migration
from gtm_platform_tests.lake.keys import K1, K2, OTHER_K1, require_packages, use_keys
from gtm_platform_tests.privacy.bytes_of_home import places_of
from gtm_platform_tests.serving.world import landing, settle

NEEDLES = ("person7@firm1.example", "Ärger")
# Where the platform keeps files of its own that name people.
FILES = ("reports/weekly_health/2026-W48/report.html", "reports_of/sam/reports/weekly_health/2026-W48/report.csv",
         "files/partners_csv/0123_list.csv", "checks/core.table.check.json", "etags/github/0123.json")  # fmt: skip


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a small lake and a snapshot, all of it under k1."""
    require_packages()
    use_keys(monkeypatch, K1)
    home = settings().home
    lake = Lake(home / "lake")
    settle(lake)
    assert build(landing(lake), folder_of(home))
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        note(tx, settings().now(), "person7@firm1.example", "Ärger", "", {"to": "person7@firm1.example"})
    keep_before_migration(home / "state.db")
    for name in FILES:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        sealed_files.write_text(home / name, "<p>Ärger with person7@firm1.example</p>")
    return home


def served(home: Path) -> list[bytes]:
    page = Store(folder_of(home)).current().customers(CustomerQuery(customers="all", limit=1000))
    return page.bodies(personal=True)


def kept(home: Path) -> list[str]:
    """What state, its copies and files hold, read as the platform reads it."""
    copies = [home / "state.db", *(home / "state-copies").glob("*.db")]
    states = []
    for path in copies:
        with closing(sqlite_files.opened(path)) as state:
            states += [row[0] for row in state.execute("select actor from audit where action = 'Ärger'")]
    return states + [sealed_files.read_text(home / name) for name in FILES]


def key_command(home: Path, *words: str) -> Result:
    return CliRunner().invoke(gtm, ["key", *words, *(["--home", str(home)] if words[0] == "rotate" else [])])


@pytest.mark.faults("V16")
def test_a_home_under_keys(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One home for all of it, as it takes seconds to make."""
    # Nobody is in any byte of it, and everybody is served.
    assert places_of(home, *NEEDLES) == []
    before, before_kept = served(home), kept(home)
    assert len(before_kept) == 2 + len(FILES)
    assert any(b"person7@firm1.example" in body for body in before)
    assert {orjson.loads(body)["customer_id"] for body in before} >= {"cus_007"}
    finding = encryption_finding(home)
    assert (finding.state, finding.sentence) == ("ok", "lake, snapshots, state and files are under k1")

    # The wrong key, none, and one that is missing.
    use_keys(monkeypatch, OTHER_K1)
    assert "The key k1 of GTM_KEYS is not the one" in encryption_finding(home).sentence
    for reading in (served, kept):
        with pytest.raises(KeyProblem, match=r"decrypted with the key k1|none of the keys"):
            reading(home)
    use_keys(monkeypatch, K2)
    assert encryption_finding(home).sentence == "GTM_KEYS lacks k1, which files are encrypted with"
    with pytest.raises(KeyProblem, match="encrypted with the key k1, which GTM_KEYS does not have"):
        served(home)
    use_keys(monkeypatch)
    with pytest.raises(KeyProblem, match="nothing is written"):
        build(landing(Lake(home / "lake")), folder_of(home))

    # Another key, by the command.
    use_keys(monkeypatch, K2, K1)
    assert "files are not: gtm key rotate" in encryption_finding(home).sentence
    answer = key_command(home, "rotate")
    assert answer.exit_code == 0, answer.output
    assert "older files may still be read" in answer.output
    assert K1 not in answer.output
    answer = key_command(home, "rotate", "--at-once")
    assert "Nothing is encrypted with k1 any more: take it out of GTM_KEYS." in answer.output
    assert set(noted_keys(home)) == {"k2"}
    use_keys(monkeypatch, K2)
    assert (served(home), kept(home)) == (before, before_kept)
    assert places_of(home, *NEEDLES) == []
    assert encryption_finding(home).sentence == "lake, snapshots, state and files are under k2"

    # Encryption ends only where somebody says so.
    use_keys(monkeypatch, "plain", K2)
    list(Rotation(home, at_once=True).run())
    assert Rotation(home, at_once=True).finish().droppable == ("k2",)
    use_keys(monkeypatch)
    assert (served(home), kept(home)) == (before, before_kept)
    places = " ".join(places_of(home, *NEEDLES))
    assert all(name in places for name in (*FILES, "state.db", "state-copies", "serving"))
    assert encryption_finding(home).state == "off"
    assert at_rest.look(home).keys == frozenset()
    sqlite3.connect(snapshot_of(folder_of(home), stamps(folder_of(home))[-1])).execute("select * from meta").close()


def test_what_is_plain_is_listed_with_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_packages()
    use_keys(monkeypatch, K1)
    for name in ("state.db", "reports/weekly.html", "drop/partners_csv/list.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sqlite_files.PLAIN_HEADER + b"x" * 200_000)
    finding = encryption_finding(tmp_path)
    plain = [line for line in finding.details if line.startswith("plain: ")]
    assert [line.split(":")[1].split(" (")[0].strip() for line in plain] == ["drop", "state", "reports"]
    assert all("0.2 MB" in line for line in plain)
    assert finding.sentence == "what is written is under k1; 2 files are not: gtm key rotate"


def test_a_state_in_a_server_is_its_disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_packages()
    monkeypatch.setenv("GTM_STATE_URL", "postgresql+psycopg://gtm@db/gtm")
    use_keys(monkeypatch, K1)
    assert "state: on the disk of its server, encrypted where that is" in encryption_finding(tmp_path).details


def test_without_the_packages_doctor_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtm_platform.cli.doctor.can_encrypt", lambda: False)
    use_keys(monkeypatch, K1)
    finding = encryption_finding(tmp_path)
    assert (finding.state, "gtm-platform[encryption]" in finding.sentence) == ("failing", True)


def test_a_key_is_made_by_its_name() -> None:
    answer = CliRunner().invoke(gtm, ["key", "new", "k7"])
    assert answer.output.startswith("k7:")
    assert len(answer.output.strip()) == len("k7:") + 44
    assert "no name for a key" in str(CliRunner().invoke(gtm, ["key", "new", "Full!"]).output)


def test_every_kind_of_plain_file_has_a_reason() -> None:
    assert all(reason and not reason.endswith(".") for reason in PLAIN_FILES.values())


def test_the_api_says_which_key_it_lacks() -> None:
    app = FastAPI()
    install(app)

    @app.get("/")
    def ask() -> None:
        Keyring().key("k1", "00000000000000000001.k1.sqlite")

    answer = TestClient(app).get("/")
    assert answer.status_code == 503
    assert "is encrypted with the key k1, which GTM_KEYS does not have" in answer.json()["detail"]
