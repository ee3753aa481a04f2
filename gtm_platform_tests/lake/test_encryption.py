"""The lake under keys: what is in its bytes, who can read it, and what happens where a key is wrong or missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import duckdb
import hypothesis
import hypothesis.strategies as st
import pytest

from gtm_platform import keyring as keyring_module
from gtm_platform.keyring import EncryptionMissing, KeyProblem, Keyring, _parsed, keyring, new_key, noted_keys
from gtm_platform.lake import catalogue, encryption, rotation, store
from gtm_platform.lake import lake as lake_module
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.encrypted_files import file_name, key_of, plain_name, rows_of_files
from gtm_platform.lake.lake import DamagedFile, File, Lake
from gtm_platform.lake.made_from import made_from as all_of
from gtm_platform.lake.rotation import rotate, sweep, use_of
from gtm_platform.lake.spilled_rows import spilled
from gtm_platform.settings import settings
from gtm_platform_tests.lake.keys import K1, K2, OTHER_K1, require_packages, use_keys
from gtm_platform_tests.lake.tables import ALBUMS, SALES, album, declared, ids, write

SECRET = "ada.lovelace@analytical.example"


@pytest.fixture
def lake() -> Iterator[Lake]:
    require_packages()
    with declared(shop__albums=ALBUMS, shop__sales=SALES):
        yield Lake(settings().home / "lake")


def files_with(secret: str) -> list[str]:
    home = settings().home
    return [
        path.relative_to(home).as_posix()
        for path in home.rglob("*")
        if path.is_file() and secret.encode() in path.read_bytes()
    ]


def titles(lake: Lake, day: str = "2026-11-20") -> list[str]:
    return sorted(lake.read_day("shop/albums", day).title.execute().tolist())


# --- names and settings ----------------------------------------------------------------------------------------------


@hypothesis.given(
    stem=st.from_regex(r"[0-9T-]{1,20}\.[0-9a-f]{24}", fullmatch=True),
    kind=st.sampled_from(["full", "part", "open", "rows"]),
    key=st.one_of(st.just(""), st.from_regex(r"[a-z][a-z0-9]{0,15}", fullmatch=True)),
)
def test_a_name_says_its_key_and_is_the_same_without_it(stem: str, kind: str, key: str) -> None:
    hypothesis.assume(key not in ("full", "part", "open", "rows", "plain"))
    name = file_name(stem, kind, key)
    assert key_of(name) == key
    assert plain_name(name) == file_name(stem, kind, "")


@hypothesis.given(names=st.lists(st.from_regex(r"k[0-9]{1,4}", fullmatch=True), min_size=1, max_size=5, unique=True))
def test_the_first_key_encrypts_and_the_newest_counts_most(names: list[str]) -> None:
    ring: Keyring = _parsed(",".join(new_key(name) for name in names))
    assert ring.writing == names[0]
    assert sorted(names, key=ring.rank, reverse=True) == names
    assert ring.rank("") < min(map(ring.rank, names)), "plain text is older than any key"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("k1", "Entry 1 of GTM_KEYS"),
        ("K1:abc", "Entry 1 of GTM_KEYS"),
        ("full:abc", "Entry 1 of GTM_KEYS"),
        ("k1:abc", "The key k1 of GTM_KEYS is not base64"),
        (f"{K1},{OTHER_K1}", "the key k1 twice"),
        (f"{K1},plain", "the word plain in place 2"),
    ],
    ids=["no name", "large letter", "a kind of file", "no base64", "twice", "plain at the end"],  # keys are random
)
def test_what_is_no_key_is_a_sentence_without_the_key(monkeypatch: pytest.MonkeyPatch, value: str, words: str) -> None:
    use_keys(monkeypatch, value)
    with pytest.raises(KeyProblem, match=words) as problem:
        keyring()
    assert not any(part and part in str(problem.value) for part in (K1[3:], OTHER_K1[3:]))


# --- writing and reading ---------------------------------------------------------------------------------------------


@pytest.mark.faults("V16")
def test_nothing_of_the_rows_is_in_any_byte_and_all_is_read(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write(lake, "2026-11-15", [album("z", SECRET)], full=True)
    assert len(files_with(SECRET)) == 1, "plain without keys: the needle can be found"
    shutil.rmtree(lake.root)
    use_keys(monkeypatch, K1)
    write(lake, "2026-11-15", [album("a", SECRET), album("b", "x")], full=True)
    write(lake, "2026-11-16", [album("b", SECRET)])
    spilled(lake.read_day("shop/albums", "2026-11-16").to_pyarrow().to_batches(), contract_of("shop/albums").schema)
    catalogue.renew(lake)
    with catalogue.reading(catalogue.path_of(lake)) as connection:
        assert connection.execute("select title from current.shop_albums").fetchall() == [(SECRET,), (SECRET,)]
        with pytest.raises(duckdb.PermissionException, match="HTTPFileSystem has been disabled"):
            connection.execute("from read_parquet('http://127.0.0.1:1/x.parquet')")
    assert titles(lake) == [SECRET, SECRET]
    assert files_with(SECRET) == []
    assert [file.path.name.split(".", 2)[2] for file in lake.files("shop/albums")] == [
        "full.k1.parquet", "part.k1.parquet"
    ]  # fmt: skip


@pytest.mark.faults("V16")
def test_what_does_not_fit_into_memory_is_encrypted_too(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, K1)
    assert lake
    with cursor() as connection:
        assert connection.execute("select current_setting('temp_file_encryption')").fetchone() == (True,)


def test_files_of_several_keys_with_different_columns_are_read_side_by_side(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine's option that would do it crashes over encrypted files, so that the columns are brought together."""
    write(lake, "2026-11-16", [album("a", "plain")], full=True)
    use_keys(monkeypatch, K1)
    write(lake, "2026-11-17", [album("b", "of k1")])
    folder = lake.root / "shop/albums"
    fewer = folder / file_name(f"2026-11-18.{2 * 10**19:020d}abcd", "part", "k1")
    with cursor() as connection:
        query = "select 'c' as id, now() as _window, now() as _extracted_at, false as _deleted, 7 as more"
        connection.execute(f"copy ({query}) to '{fewer}' (format parquet, encryption_config {{footer_key: 'k1'}})")
    use_keys(monkeypatch, K2, K1)
    write(lake, "2026-11-19", [album("d", "of k2")])
    rows = lake.read_day("shop/albums", "2026-11-20").to_pyarrow()
    assert dict(zip(rows["id"].to_pylist(), rows["title"].to_pylist(), strict=True)) == {
        "a": "plain",
        "b": "of k1",
        "c": None,
        "d": "of k2",
    }
    catalogue.renew(lake)
    with catalogue.reading(catalogue.path_of(lake)) as connection:
        assert connection.execute("select count(*), count(title) from shop.albums").fetchone() == (4, 3)


def test_without_keys_nothing_is_different(lake: Lake) -> None:
    write(lake, "2026-11-16", [album("a")])
    [file] = lake.files("shop/albums")
    assert file.path.name.endswith(".part.parquet")
    assert lake.file_query("shop/albums", [file]).sql.count("read_parquet") == 1
    assert "encryption_config" not in lake.file_query("shop/albums", [file]).sql
    assert sorted(path.name for path in settings().home.iterdir() if path.is_file()) == []


# --- wrong, missing, not installed -----------------------------------------------------------------------------------


@pytest.mark.faults("V16")
def test_a_missing_key_is_named_and_nothing_is_written_plain(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, K1)
    write(lake, "2026-11-16", [album("a", SECRET)])
    use_keys(monkeypatch, K2)
    with pytest.raises(KeyProblem, match=r"encrypted with the key k1, which GTM_KEYS does not have"):
        titles(lake)
    use_keys(monkeypatch)
    with pytest.raises(KeyProblem, match=r"the key k1, which GTM_KEYS does not have"):
        titles(lake)
    with pytest.raises(KeyProblem, match=r"encrypted \(with the key k1\), and GTM_KEYS is not set: nothing is written"):
        write(lake, "2026-11-17", [album("b", SECRET)])
    assert files_with(SECRET) == []


@pytest.mark.faults("V16")
def test_a_wrong_key_is_recognised_before_anything_is_read_or_written(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch, K1)
    write(lake, "2026-11-16", [album("a", SECRET)])
    use_keys(monkeypatch, OTHER_K1)
    for attempt in (lambda: titles(lake), lambda: write(lake, "2026-11-17", [album("b", SECRET)])):
        with pytest.raises(KeyProblem, match=r"The key k1 of GTM_KEYS is not the one") as problem:
            attempt()
        assert OTHER_K1[3:] not in str(problem.value)
    assert len(lake.versions("shop/albums")) == 1


def test_a_wrong_key_of_a_home_that_lost_its_note_damages_no_file(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, K1)
    write(lake, "2026-11-16", [album("a", SECRET)])
    (settings().home / "keys.json").unlink()
    use_keys(monkeypatch, OTHER_K1)
    with pytest.raises(KeyProblem, match=r"cannot be decrypted with the key k1"):
        lake.verify("shop/albums", "2026-11-16")


@pytest.mark.faults("V16")
def test_a_damaged_encrypted_file_is_named(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, K1)
    write(lake, "2026-11-16", [album("a", SECRET)])
    [file] = lake.files("shop/albums")
    content = bytearray(file.path.read_bytes())
    content[len(content) // 2] ^= 1
    file.path.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"Make it again with: gtm run shop/albums"):
        lake.verify("shop/albums", "2026-11-16")


def test_without_the_package_it_is_a_sentence_and_no_file(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "EXTENSION", "duckdb_extension_that_is_not_installed")
    monkeypatch.setattr(keyring_module, "PACKAGES", ("duckdb_extension_that_is_not_installed",))
    use_keys(monkeypatch, new_key("k3"))
    with pytest.raises(EncryptionMissing, match=r"pip install 'gtm-platform\[encryption\]'"):
        write(lake, "2026-11-16", [album("a", SECRET)])
    assert not list(lake.root.rglob("*.parquet"))
    assert noted_keys(settings().home) == {}
    with pytest.raises(EncryptionMissing), cursor():
        pass


def test_the_extension_is_loaded_from_its_package_with_no_home_directory(lake: Lake, tmp_path: Path) -> None:
    """A machine whose ~/.duckdb happens to have the extension would pass by luck."""
    script = (
        "from gtm_platform.lake.duckdb_engine import cursor\n"
        "with cursor() as c:\n"
        "    c.execute(\"copy (select 1 as a) to 'x.rows.k1.parquet' (format parquet, encryption_config"
        " {footer_key: 'k1'})\")\n"
    )
    assert lake
    environment = {**os.environ, "HOME": str(tmp_path), "GTM_HOME": str(tmp_path / "home"), "GTM_KEYS": K1}
    subprocess.run([sys.executable, "-c", script], env=environment, cwd=tmp_path, check=True)
    assert (tmp_path / "x.rows.k1.parquet").read_bytes()[:4] == b"PARE"
    assert not (tmp_path / ".duckdb").exists()


# --- rotation --------------------------------------------------------------------------------------------------------


def rotated(lake: Lake) -> int:
    return len(list(rotate(lake)))


def test_an_existing_lake_is_encrypted_rotated_and_made_plain_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(lake, "2026-11-16", [album("a", SECRET), album("b", "x")], full=True)
    write(lake, "2026-11-17", [album("c", SECRET)])
    before = titles(lake), [file.version for file in lake.files("shop/albums")]
    for keys, kinds in (
        ((K1,), ["full.k1", "part.k1"]),
        ((K2, K1), ["full.k2", "part.k2"]),
        (("plain", K2), ["full", "part"]),
    ):
        use_keys(monkeypatch, *keys)
        assert rotated(lake) == 2
        assert (titles(lake), [file.version for file in lake.files("shop/albums")]) == before
        assert sweep(lake) == 2, "whoever reads the old files goes on"
        assert sweep(lake, at_once=True) == 0
        assert [file.path.name.split(".", 2)[2] for file in lake.versions("shop/albums")] == [
            f"{kind}.parquet" for kind in kinds
        ]
        assert rotated(lake) == 0, "nothing is left to do"
        assert bool(files_with(SECRET)) is (keys[0] == "plain")


def test_a_rotation_makes_no_day_be_computed_again(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def made_from() -> str:
        queries = {"albums": [lake.query_day("shop/albums", "2026-11-17")]}
        rule = test_a_rotation_makes_no_day_be_computed_again
        everything = all_of(rule, contract_of("shop/sales"), queries, {})
        assert everything
        return everything.hash

    write(lake, "2026-11-16", [album("a")], full=True)
    before = made_from()
    use_keys(monkeypatch, K1)
    list(rotate(lake))
    assert lake.files("shop/albums")[0].path.name.endswith(".full.k1.parquet")
    assert made_from() == before


@pytest.mark.faults("V16")
def test_a_rotation_that_is_killed_leaves_every_row_and_goes_on(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(10, 16):
        write(lake, f"2026-11-{day}", [album(str(day), SECRET)], full=day == 10)
    before = titles(lake)
    use_keys(monkeypatch, K1)
    steps = rotate(lake)
    assert next(steps).of == 6
    next(steps)
    steps.close()
    with monkeypatch.context() as killing:
        killing.setattr(store.os, "fsync", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            list(rotate(lake))
    assert titles(lake) == before
    assert not list(lake.root.glob("*/*/.*.parquet")), "no draft is left"
    assert rotated(lake) == 4
    assert titles(lake) == before
    assert sweep(lake, at_once=True) == 0
    assert files_with(SECRET) == []


def test_who_was_erased_during_a_rotation_does_not_come_back(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write(lake, "2026-11-16", [album("a", SECRET)])
    [old] = lake.files("shop/albums")
    use_keys(monkeypatch, K1)
    real = rotation.same_rows

    def erased_meanwhile(first: Path, second: Path) -> bool:
        same = real(first, second)
        write(lake, "2026-11-16", [album("b", "x")])
        old.path.unlink()
        return same

    monkeypatch.setattr(rotation, "same_rows", erased_meanwhile)
    list(rotate(lake))
    assert titles(lake) == ["x"]
    assert len(lake.versions("shop/albums")) == 1


def test_a_file_that_would_differ_is_not_put_in_place(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write(lake, "2026-11-16", [album("a", SECRET)])
    before = lake.versions("shop/albums")
    use_keys(monkeypatch, K1)
    monkeypatch.setattr(rotation, "same_rows", lambda *_: False)
    with pytest.raises(rotation.RotationDiffers):
        list(rotate(lake))
    assert lake.versions("shop/albums") == before


def test_a_later_write_sweeps_by_when_the_copy_was_made(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write(lake, "2026-11-16", [album("a", SECRET)])
    use_keys(monkeypatch, K1)
    list(rotate(lake))
    write(lake, "2026-11-16", [album("a", "new")])
    assert len(lake.versions("shop/albums")) == 3, "a query may read each of them"
    monkeypatch.setattr(lake_module, "GRACE", -1)
    write(lake, "2026-11-16", [album("a", "newest")])
    assert [key_of(file.path) for file in lake.versions("shop/albums")] == ["k1"]
    assert files_with(SECRET) == []


def test_the_share_under_each_key_is_by_bytes_and_not_by_names(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write(lake, "2026-11-16", [album("a")])
    use_keys(monkeypatch, K1)
    write(lake, "2026-11-17", [album("b")])
    plain = next(file.path for file in lake.files("shop/albums") if not key_of(file.path))
    pretending = plain.with_name(file_name(f"2026-11-18.{2 * 10**19:020d}abcd", "part", "k1"))
    shutil.copy(plain, pretending)
    use = use_of([lake])
    assert use.files == {"plain": 2, "k1": 1}
    assert use.bytes["plain"] == 2 * plain.stat().st_size


@hypothesis.settings(max_examples=12)
@hypothesis.given(
    st.lists(
        st.one_of(
            st.sampled_from(["rotate", "sweep", "k1", "k2", "plain"]),
            st.tuples(st.integers(10, 13), st.sampled_from("abc"), st.booleans()),
        ),
        max_size=10,
    )
)
def test_whatever_is_written_and_rotated_in_between_the_rows_are_those_of_a_plain_lake(steps: list[object]) -> None:
    require_packages()
    with declared(shop__albums=ALBUMS, shop__sales=SALES), pytest.MonkeyPatch.context() as patch:
        home = settings().home
        shutil.rmtree(home, ignore_errors=True)
        lake, model = Lake(home / "lake"), dict[int, tuple[str, bool]]()
        order = [K1, K2]
        use_keys(patch, *order)
        for step in steps:
            if isinstance(step, tuple):
                day, id, full = step
                write(lake, f"2026-11-{day}", [album(id)], full=full)
                model[day] = id, full
            elif step == "rotate":
                list(rotate(lake))
            elif step == "sweep":
                sweep(lake, at_once=True)
            else:
                order = {"k1": [K1, K2], "k2": [K2, K1], "plain": ["plain", K1, K2]}[str(step)]
                use_keys(patch, *order)
        since = max((day for day, (_, full) in model.items() if full), default=0)
        expected = sorted({id for day, (id, _) in model.items() if day >= since})
        assert list(ids(lake.read_day("shop/albums", "2026-11-20"))) == expected
        noted = set(noted_keys(home))
        assert {key_of(file.path) for file in lake.versions("shop/albums")} - {""} <= noted


def test_an_order_of_files_is_by_stamp_then_by_key(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, K2, K1)
    names = [f"2026-11-16.{stamp:020d}abcd.part{key}.parquet" for stamp in (1, 2) for key in ("", ".k1", ".k2")]
    files = [File.of(lake.root / name) for name in names]
    assert sorted([files[place] for place in (5, 0, 3, 2, 4, 1)]) == files


def test_rows_of_no_file_and_of_one_are_a_plain_read(lake: Lake) -> None:
    assert rows_of_files(["a.part.parquet"], by_name=True) == "read_parquet(['a.part.parquet'], union_by_name=true)"
    assert lake
    with pytest.raises(KeyProblem):
        rows_of_files(["a.part.k1.parquet"])
    assert isinstance(duckdb.__version__, str)
