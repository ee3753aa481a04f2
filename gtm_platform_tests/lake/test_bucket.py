"""What the lake asks of a bucket: whole files or none, no name twice, readers that never meet half of anything."""

import hashlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, target
from hypothesis import strategies as st

from gtm_platform.lake import bucket as bucket_module
from gtm_platform.lake import bucket_copies
from gtm_platform.lake.bucket import Bucket
from gtm_platform.lake.bucket_errors import MISSING, BucketFailed, NameUsed
from gtm_platform.lake.lake import File, Lake
from gtm_platform.lake.store import copies_of, lake_root, the_bucket
from gtm_platform.settings import SettingsError
from gtm_platform.settings import settings as config
from gtm_platform_tests.lake.stores import HASTE, needs_obstore, served_bucket
from gtm_platform_tests.lake.tables import ALBUMS, SALES, album, declared, ids, write
from gtm_platform_tests.s3_server import KEY, S3, SECRET, environment, real_s3_server, real_server_binary, s3_server

pytestmark = needs_obstore
TABLE, ROOM = "shop/albums", 10**9
KEPT = 3  # files of a partition: as long as nobody reads for longer than it takes to write as many


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    with declared(shop__albums=ALBUMS, shop__sales=SALES), served_bucket(tmp_path, monkeypatch) as s3:
        yield s3


@pytest.fixture
def lake(s3: S3) -> Lake:  # noqa: ARG001
    return Lake(lake_root(config().home))


def machine(folder: Path, address: str = "", room: int = ROOM) -> Bucket:
    """Another machine over the same bucket: it knows nothing of this one's listings, and has copies of its own."""
    return Bucket(address or str(config().gtm_lake), folder, room, HASTE)


def put(bucket: Bucket, name: str, content: bytes, table: str = TABLE) -> Path:
    """Publish a file as the lake does: a draft beside its place, then the name."""
    path = bucket.root / table / name
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{name}")
    draft.write_bytes(content)
    bucket.publish(draft, path)
    return path


def content_of(bucket: Bucket, name: str, table: str = TABLE) -> bytes:
    bucket.fetch([bucket.root / table / name])
    return (bucket.root / table / name).read_bytes()


def named(partition: str, stamp: int) -> str:
    return f"{partition}.{stamp:020d}{os.urandom(2).hex()}.full.parquet"


# --- any history -----------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "remove", "set aside", "lose copies", "list"]),
        st.integers(0, 1),  # the machine
        st.integers(0, 2),  # the partition
        st.binary(max_size=40),
    ),
    max_size=14,
)


@given(STEPS)
@settings(max_examples=25)
def test_machines_see_what_a_dictionary_would(tmp_path_factory: pytest.TempPathFactory, steps: list[Any]) -> None:
    folder, expected = tmp_path_factory.mktemp("history"), dict[str, bytes]()
    with s3_server("shop") as s3, pytest.MonkeyPatch.context() as patch:
        for name, value in environment(s3.url).items():
            patch.setenv(name, value)
        machines = [machine(folder / name, "s3://shop/lake") for name in ("here", "elsewhere")]
        for number, (step, at, partition, content) in enumerate(steps):
            mine = [name for name in sorted(expected) if name.startswith(f"2026-11-0{partition + 1}")]
            if step == "write":
                name = named(f"2026-11-0{partition + 1}", number)
                put(machines[at], name, content)
                expected[name] = content
            elif step == "lose copies":
                for path in (machines[at].root / TABLE).glob("*.parquet"):
                    path.unlink()
            elif mine and step != "list":
                path = machines[at].root / TABLE / mine[0]
                (machines[at].remove if step == "remove" else machines[at].set_aside)(path)
                del expected[mine[0]]
            for each in machines:
                assert sorted(each.names(TABLE)) == sorted(expected)
                assert {name: content_of(each, name) for name in each.names(TABLE)} == expected
                assert each.tables() == ([TABLE] if expected else [])
        target(float(len(expected)))


# --- many at once ----------------------------------------------------------------------------------------------------


def checked(partition: int, number: int) -> bytes:
    """A file that says of itself whether it is whole."""
    rows = f"{partition} {number} ".encode() * (200 + number)
    return hashlib.sha256(rows).digest() + rows


def race(address: str, folder: Path, rounds: int) -> tuple[int, int]:
    """Let 8 writers replace partitions while 4 readers of one machine read the newest of each; return both counts."""
    partitions = [f"2026-11-{number:02}" for number in range(1, 6)]

    def write_all(writer: int) -> int:
        bucket = machine(folder / f"writer-{writer % 3}", address)  # some share a machine
        for number in range(rounds):
            partition = partitions[(writer + number) % len(partitions)]
            put(bucket, named(partition, time.time_ns()), checked(writer, number))
            older = sorted(name for name in bucket.names(TABLE) if name.startswith(partition))[:-KEPT]
            for name in older:
                bucket.remove(bucket.root / TABLE / name)
        return rounds

    def read_all(reader: int) -> int:
        bucket, read = machine(folder / "readers", address), 0
        for _ in range(rounds):
            newest = {name.partition(".")[0]: name for name in sorted(bucket.names(TABLE))}
            for name in newest.values():
                try:
                    content = content_of(bucket, name)
                except (BucketFailed, FileNotFoundError):  # removed since: KEPT is no time, as the grace is
                    continue
                assert hashlib.sha256(content[32:]).digest() == content[:32], f"reader {reader} met half a file"
                read += 1
        return read

    with ThreadPoolExecutor(12) as threads:
        writes = [threads.submit(write_all, writer) for writer in range(8)]
        reads = [threads.submit(read_all, reader) for reader in range(4)]
        written, read = (sum(each.result() for each in of) for of in (writes, reads))
    everything = machine(folder / "afterwards", address)
    left = [name for name in everything.names(TABLE) if content_of(everything, name)]
    assert {name.partition(".")[0] for name in left} == set(partitions)
    assert all(Path(name).suffix == ".parquet" for name in left)
    return written, read


def test_eight_writers_and_four_readers_meet_no_error(s3: S3, tmp_path: Path) -> None:
    written, read = race(str(config().gtm_lake), tmp_path, rounds=6)
    assert written == 48
    assert read
    assert s3.requests["PUT"] == 48


@pytest.mark.soak
@pytest.mark.skipif(real_server_binary() is None, reason="SeaweedFS is not installed: make bucket")
def test_a_server_that_others_wrote_keeps_the_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with real_s3_server(tmp_path / "server", "shop") as url:
        for name, value in environment(url).items():
            monkeypatch.setenv(name, value)
        bucket = machine(tmp_path / "here", "s3://shop/lake")
        assert bucket.refuses_a_second_put()
        put(bucket, name := named("2026-11-01", 1), b"first")
        with pytest.raises(NameUsed):
            put(machine(tmp_path / "elsewhere", "s3://shop/lake"), name, b"second")
        assert content_of(machine(tmp_path / "third", "s3://shop/lake"), name) == b"first"
        bucket.set_aside(bucket.root / TABLE / name)
        assert (bucket.names(TABLE), len(bucket.hidden())) == ([], 1)
        written, read = race("s3://shop/lake", tmp_path, rounds=20)
    assert (written, read > 0) == (160, True)


def test_of_two_puts_of_one_name_the_second_is_refused(s3: S3, tmp_path: Path) -> None:  # noqa: ARG001
    put(machine(tmp_path / "a"), name := named("2026-11-01", 1), b"first")
    with pytest.raises(NameUsed, match=name):
        put(machine(tmp_path / "b"), name, b"later")
    assert content_of(machine(tmp_path / "c"), name) == b"first"


def test_a_put_whose_answer_was_lost_is_known_by_what_it_put(s3: S3, tmp_path: Path) -> None:
    faults = ["lost"]
    s3.failing = lambda method, _key: faults.pop() if method == "PUT" and faults else None
    name = put(machine(tmp_path / "a"), named("2026-11-01", 1), b"mine").name
    assert not faults, "the first answer was lost"
    assert content_of(machine(tmp_path / "b"), name) == b"mine"


# --- ends in the middle ----------------------------------------------------------------------------------------------


def test_a_put_that_breaks_off_leaves_what_was_there(s3: S3, lake: Lake) -> None:
    write(lake, "2026-11-16", [album("kept")])
    s3.failing = lambda method, _key: "cut" if method == "PUT" else None
    with pytest.raises(BucketFailed, match="the connection broke"):
        write(lake, "2026-11-16", [album("lost")])
    assert ids(lake.partition(TABLE, "2026-11-16")) == "kept"
    assert lake.store.hidden() == []


def test_a_large_file_is_there_only_with_its_last_part(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "ONE_PUT", 1000)
    content, here, name = os.urandom(6 << 20), machine(tmp_path / "a"), named("2026-11-01", 1)
    s3.failing = lambda method, _key: "cut" if method == "POST" and s3.requests["POST"] > 1 else None
    with pytest.raises(BucketFailed):
        put(here, name, content)
    assert machine(tmp_path / "b").names(TABLE) == []
    s3.failing = lambda _method, _key: None
    put(here, name, content)
    assert content_of(machine(tmp_path / "b"), name) == content
    with pytest.raises(NameUsed):
        put(here, name, content + b"more")


def test_a_machine_that_dies_after_the_put_has_written(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    here = machine(tmp_path / "a")

    def killed(*_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(here.copies, "keep", killed)
    with pytest.raises(KeyboardInterrupt):
        put(here, name := named("2026-11-01", 1), b"all of it")
    assert machine(tmp_path / "a").names(TABLE) == [name]
    assert content_of(machine(tmp_path / "a"), name) == b"all of it"


# --- listings --------------------------------------------------------------------------------------------------------


def test_a_listing_that_is_behind_lacks_nothing_that_was_written_here(s3: S3, lake: Lake, tmp_path: Path) -> None:
    s3.listed = lambda _key: False
    write(lake, "2026-11-16", [album("a")], full=True)
    assert ids(lake.read_day(TABLE, "2026-11-16")) == "a"
    assert machine(tmp_path / "elsewhere").names(TABLE) == []
    s3.listed = lambda _key: True
    [file] = lake.files(TABLE)
    assert machine(tmp_path / "elsewhere").names(TABLE) == [file.path.name]
    machine(tmp_path / "elsewhere").remove(tmp_path / "elsewhere" / TABLE / file.path.name)
    assert lake.files(TABLE) == []  # once it was listed, the listing counts


def test_a_run_lists_once_and_sees_what_it_writes(s3: S3, lake: Lake) -> None:
    write(lake, "2026-11-15", [album("a")], full=True)
    bucket = the_bucket()
    assert bucket
    with bucket.listed_once():
        assert lake.partitions(TABLE) == ["2026-11-15"]
        before = s3.requests["LIST"]
        for day in range(16, 20):
            write(lake, f"2026-11-{day}", [album(str(day))])
        assert lake.partitions(TABLE)[-1] == "2026-11-19"
        [oldest, *_] = lake.files(TABLE)
        lake.store.remove(oldest.path)
        assert lake.partitions(TABLE)[0] == "2026-11-16"
        assert s3.requests["LIST"] == before
    assert lake.partitions(TABLE)[0] == "2026-11-16"
    assert s3.requests["LIST"] == before + 1


def test_more_files_than_a_page_of_a_listing_are_all_listed(s3: S3, tmp_path: Path) -> None:
    names = {f"{named('2026-11-01', number)}" for number in range(1200)}
    s3.objects |= {f"{str(config().gtm_lake).removeprefix('s3://')}/{TABLE}/{name}": b"x" for name in names}
    here = machine(tmp_path / "a")
    assert set(here.names(TABLE)) == names
    with here.listed_once():
        assert set(here.names(TABLE)) == names


# --- copies ----------------------------------------------------------------------------------------------------------


def test_copies_that_were_read_longest_ago_make_room(s3: S3, tmp_path: Path) -> None:  # noqa: ARG001
    here = machine(tmp_path / "a", room=250)
    paths = [put(here, named(f"2026-11-0{day}", day), bytes(100)) for day in range(1, 5)]
    long_ago = time.time() - bucket_copies.READ_LATELY
    for place, path in enumerate(paths[:3]):
        os.utime(path, (long_ago - 100 + place, path.stat().st_mtime))
    here.copies.make_room()
    assert [path.exists() for path in paths] == [False, False, True, True]
    here.fetch(paths[2:3])
    assert paths[2].stat().st_atime > time.time() - 60, "that it was read is noted"
    here.copies.make_room()
    assert content_of(here, paths[0].name) == bytes(100)


def test_copies_that_were_read_of_late_stay_even_without_room(s3: S3, tmp_path: Path) -> None:  # noqa: ARG001
    here = machine(tmp_path / "a", room=1)
    paths = [put(here, named(f"2026-11-0{day}", day), bytes(100)) for day in range(1, 5)]
    here.copies.make_room()
    assert all(path.exists() for path in paths), "a query may be reading them"


def test_a_copy_that_was_cut_off_is_made_again(s3: S3, lake: Lake) -> None:
    write(lake, "2026-11-16", [album("a")], full=True)
    [file] = lake.files(TABLE)
    whole, asked = file.path.read_bytes(), s3.requests["GET"]
    file.path.write_bytes(whole[:100])
    assert ids(lake.read_day(TABLE, "2026-11-16")) == "a"
    file.path.write_bytes(b"\0" * len(whole))  # damaged, and as long
    assert lake.damaged([str(file.path)]) is None, "the file itself is whole"
    assert ids(lake.read_day(TABLE, "2026-11-16")) == "a"
    assert s3.requests["GET"] == asked + 2


def test_copies_of_what_was_removed_elsewhere_go(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    here, elsewhere = machine(tmp_path / "a"), machine(tmp_path / "b")
    path = put(here, name := named("2026-11-01", 1), b"names a person")
    here.names(TABLE)
    elsewhere.remove(elsewhere.root / TABLE / name)
    here.names(TABLE)
    assert path.exists(), "a listing that is behind may lack what was written just now"
    monkeypatch.setattr(bucket_copies, "LISTED_BEFORE", -1)
    here.names(TABLE)
    assert not path.exists()


def test_a_copy_has_the_time_of_its_name_wherever_it_is_made(s3: S3, lake: Lake) -> None:  # noqa: ARG001
    write(lake, "2026-11-16", [album("a")])
    [file] = lake.files(TABLE)
    written = file.path.stat().st_mtime_ns
    file.path.unlink()
    lake.paths([file])
    assert file.path.stat().st_mtime_ns == written == int(File.of(file.path).stamp[:20])


def test_what_is_set_aside_is_in_no_listing_and_goes_with_an_erasure(s3: S3, lake: Lake) -> None:
    write(lake, "2026-11-16", [album("a")])
    [file] = lake.files(TABLE)
    lake.store.set_aside(file.path)
    assert lake.files(TABLE) == []
    [aside] = lake.store.hidden()
    lake.store.remove(aside)
    assert s3.objects == {}


# --- what goes wrong is a sentence ----------------------------------------------------------------------------------


def test_a_server_that_is_busy_is_asked_again(s3: S3, lake: Lake) -> None:
    busy = [(503, "SlowDown"), (500, "InternalError"), (503, "SlowDown")]
    s3.failing = lambda _method, _key: busy.pop() if busy else None
    write(lake, "2026-11-16", [album("a")])
    assert (ids(lake.partition(TABLE, "2026-11-16")), busy) == ("a", [])


def test_an_answer_that_breaks_off_is_asked_for_again(s3: S3, tmp_path: Path) -> None:
    name, content = named("2026-11-01", 1), os.urandom(1 << 20)
    put(machine(tmp_path / "a"), name, content)
    broken = ["half", "half"]
    s3.failing = lambda method, _key: broken.pop() if method == "GET" and broken else None
    assert content_of(machine(tmp_path / "b"), name) == content
    assert not broken


def no_key(patch: pytest.MonkeyPatch, s3: S3) -> None:  # noqa: ARG001
    patch.setenv("AWS_ACCESS_KEY_ID", "another")


def no_bucket(patch: pytest.MonkeyPatch, s3: S3) -> None:  # noqa: ARG001
    s3.buckets.clear()


def no_server(patch: pytest.MonkeyPatch, s3: S3) -> None:  # noqa: ARG001
    patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")


def silence(patch: pytest.MonkeyPatch, s3: S3) -> None:
    patch.setattr(bucket_module, "TIMEOUT", "50ms")
    s3.failing = lambda _method, _key: "silence"


def always_busy(patch: pytest.MonkeyPatch, s3: S3) -> None:  # noqa: ARG001
    s3.failing = lambda _method, _key: (503, "SlowDown")


def no_conditions(patch: pytest.MonkeyPatch, s3: S3) -> None:  # noqa: ARG001
    s3.failing = lambda method, _key: (501, "NotImplemented") if method == "PUT" else None


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (no_key, "it refuses the keys .403 InvalidAccessKeyId.. See AWS_ACCESS_KEY_ID"),
        (no_bucket, "there is no such bucket. Make it, or mend GTM_LAKE"),
        (no_server, "it cannot be reached, .*nobody listens there"),
        (silence, "it cannot be reached, .*no answer in time"),
        (always_busy, "answers with errors .503 SlowDown., also when asked again"),
        (no_conditions, "it knows no conditional put"),
    ],
)
def test_what_goes_wrong_is_a_sentence_without_keys(
    s3: S3, lake: Lake, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., None], sentence: str
) -> None:
    fault(monkeypatch, s3)
    with pytest.raises(BucketFailed, match=sentence) as failure:
        write(lake, "2026-11-16", [album("a")])
    shown = "".join(traceback.format_exception(failure.value))
    assert not [secret for secret in (SECRET, KEY, "Signature") if secret in shown]
    assert str(config().gtm_lake) in str(failure.value)


def test_a_file_that_was_removed_after_it_was_listed_is_a_sentence(s3: S3, lake: Lake, tmp_path: Path) -> None:  # noqa: ARG001
    write(lake, "2026-11-16", [album("a")])
    [file] = lake.files(TABLE)
    elsewhere = machine(tmp_path / "elsewhere")
    elsewhere.remove(elsewhere.root / TABLE / file.path.name)
    file.path.unlink()
    with pytest.raises(BucketFailed, match="It was removed after it was listed; run it again"):
        lake.read(TABLE, [file])


def test_without_the_library_the_way_to_it_is_said(s3: S3, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(BucketFailed, match=r"pip install 'gtm-platform\[bucket\]'"):
        lake.files(TABLE)
    assert "obstore" in MISSING


def test_a_store_that_ignores_conditions_is_known(s3: S3, lake: Lake) -> None:  # noqa: ARG001
    bucket = the_bucket()
    assert bucket
    assert bucket.refuses_a_second_put()
    s3.is_conditional = False
    assert not bucket.refuses_a_second_put()
    assert s3.objects == {}, "the probe is removed"


@pytest.mark.parametrize("address", ["s3://key:secret@bucket/lake", "lake", "s3://", "https://bucket", "s3://b/l?k=v"])
def test_an_address_that_is_none_or_holds_a_key_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("GTM_LAKE", address)
    config.cache_clear()
    with pytest.raises(SettingsError, match=r"GTM_LAKE: .*write s3://bucket/folder") as refused:
        config()
    assert "secret" not in str(refused.value)


def test_buckets_have_copies_in_folders_of_their_own() -> None:
    assert copies_of("s3://a/b") != copies_of("gs://a/b")
    assert copies_of("s3://a/b").parent == config().cache / "lake"
