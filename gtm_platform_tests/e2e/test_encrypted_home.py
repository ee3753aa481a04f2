"""A home that lived days is encrypted, lives on under the key, and is made plain again, with the same rows."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from gtm_platform.cli import gtm
from gtm_platform.lake.encrypted_files import key_of
from gtm_platform.privacy.at_rest import PLAIN_FILES, Rotation
from gtm_platform.serving.snapshot.files import folder_of
from gtm_platform.serving.store import CustomerQuery, Store
from gtm_platform_tests.e2e.conftest import DAYS, Lived
from gtm_platform_tests.e2e.home import contents, execute, failure_of, frame, windows_of
from gtm_platform_tests.lake.keys import K1, require_packages, use_keys
from gtm_platform_tests.privacy.bytes_of_home import places_of

COUNT = "select count(*) as people, count(email) as addresses from latest.unified_customers"


def named_in_bytes(home: Path, needles: set[str]) -> list[str]:
    """Where people of the world are named, but for what `gtm doctor` lists as plain; of that the catalogue counts."""
    plain = [
        top.name
        for top in home.iterdir()
        if any(top.name.lstrip(".").startswith(name) for name in PLAIN_FILES if name != "gtm.duckdb")
    ]
    return places_of(home, *needles, but=(*plain, "sandbox", "summary.json"))


def rotate(home: Path) -> None:
    rotation = Rotation(home, at_once=True)
    assert list(rotation.run())
    assert rotation.finish().left == 0


def served(home: Path) -> list[bytes]:
    page = Store(folder_of(home)).current().customers(CustomerQuery(customers="all", limit=1000))
    return page.bodies(personal=True)


def counted(home: Path) -> str:
    answer = CliRunner().invoke(gtm, ["query", COUNT, "--format", "csv", "--home", str(home)])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


@pytest.mark.long
@pytest.mark.faults("V16")
def test_a_home_lives_under_a_key(copied: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    require_packages()
    home, day = copied.home, str(DAYS[2])
    people = frame(home, "core/unified_customers", day)
    needles = {*people.email.dropna(), *(name for name in people.name.dropna() if " " in name)}
    before = contents(home), served(home), counted(home)
    assert len(needles) > 50
    assert named_in_bytes(home, needles), "they can be found where it is plain"

    use_keys(monkeypatch, K1)
    rotate(home)
    assert named_in_bytes(home, needles) == []
    assert (served(home), counted(home)) == before[1:]

    # A source again, and the day: what is written under the key is what was written plain.
    job, first, last = next(window for window in windows_of(DAYS[2], among=["stripe"]))
    for name, begin, end in ((job, first, last), ("daily_tables", day, day)):
        ran = execute(copied.dagster, name, begin, end)
        assert ran.success, failure_of(ran)
    assert all(key_of(path) == "k1" for path in (home / "lake").glob("*/*/*.parquet"))
    assert named_in_bytes(home, needles) == []
    assert counted(home) == before[2]

    use_keys(monkeypatch, "plain", K1)
    rotate(home)
    use_keys(monkeypatch)
    assert contents(home) == before[0]
    assert counted(home) == before[2]
