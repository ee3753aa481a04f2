"""A lake under keys, in a folder or in a bucket, whose days are made again in part: each as without the others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gtm_platform import sealed_files
from gtm_platform.keyring import KeyProblem
from gtm_platform.lake import some_customers
from gtm_platform.lake.contract_check import Part
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.day_check import PartCheck
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.encrypted_files import key_of, rows_of_files
from gtm_platform.lake.file_query import quoted
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.rotation import is_encrypted, lakes_of, rotate, sweep, use_of
from gtm_platform.lake.store import Folder, the_bucket
from gtm_platform.lake.verdicts import judge
from gtm_platform.privacy.at_rest import Rotation
from gtm_platform.settings import settings
from gtm_platform_tests.lake.keys import K1, K2, OTHER_K1, require_packages, use_keys
from gtm_platform_tests.lake.stores import STORES, lake_in
from gtm_platform_tests.lake.tables import declared
from gtm_platform_tests.lake.test_day_in_part import (
    DAY,
    LINKS,
    NEWS,
    ORDERS,
    REFUNDS,
    RICH,
    SPENT,
    SPENT_TABLE,
    limits,
    opened,
    order,
)

REMARK = "please call ada lovelace"


@pytest.fixture(params=STORES)
def lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    require_packages()
    limits["rich"] = 10
    own = {"shop__orders": ORDERS, "shop__refunds": REFUNDS, "shop__news": NEWS, "identity__links": LINKS}
    with declared(**own, shop__spent=SPENT, shop__rich=RICH):
        if request.param == "folder":
            yield Lake(settings().home / "lake")
        else:
            with lake_in("bucket", tmp_path, monkeypatch) as in_bucket:
                yield in_bucket


def spent(lake: Lake, customer: str) -> list[object]:
    """Return the row of a customer, as the newest file of the day has it."""
    files = [file for file in lake.files("shop/spent") if file.partition == DAY]
    columns = quoted(contract_of("shop/spent").columns)
    with cursor() as connection:
        rows = connection.execute(f"select {columns} from {rows_of_files(lake.paths(files))}").fetchall()
    return [row[1] for row in rows if row[0] == customer]


def forget_copies(lake: Lake) -> None:
    """Be another machine: it has no copies of a bucket's files, and its home knows no key."""
    (settings().home / "keys.json").unlink()
    if not isinstance(lake.store, Folder):
        for copy in lake.root.rglob("*.parquet"):
            copy.unlink()
    if bucket := the_bucket():
        bucket._allowed.clear()


def test_a_day_in_part_is_encrypted_and_what_is_put_aside_for_it(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(some_customers, "LISTED", 0)  # customers are listed in a file
    use_keys(monkeypatch, K1)
    shop = opened(lake)
    shop.land("shop/orders", DAY, order("new", "r3", 100, REMARK))
    assert shop.make() == [Part(1, 10), Part(1, 10)]
    assert spent(lake, "c3") == [103]
    kept = settings().home / "checks"
    for days_read in (1, 0):  # what was found is kept, and read again
        judged = judge(lake, PartCheck(SPENT_TABLE), [DAY], kept)
        assert (judged.verdicts[DAY].passed, judged.days_read) == (True, days_read)
    assert [sealed_files.key_of(file) for file in kept.iterdir()] == ["k1"]
    written = [path for folder in (lake.root, settings().home) for path in folder.rglob("*.parquet")]
    assert written
    assert all(is_encrypted(path) for path in written)
    assert use_of([lake]).files.keys() == {"k1"}


@pytest.mark.parametrize("at_once", [False, True])
def test_after_a_rotation_touched_customers_are_made_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    """What a note says was read is found under its new name, or beside it."""
    shop = opened(lake)
    use_keys(monkeypatch, K1)
    assert len(list(rotate(lake))) == 6
    sweep(lake, at_once=at_once)
    shop.land("shop/orders", DAY, order("new", "r3", 100))
    assert shop.make() == [Part(1, 10), Part(1, 10)]
    use_keys(monkeypatch, K2, K1)
    list(rotate(lake))
    sweep(lake, at_once=at_once)
    if at_once:
        use_keys(monkeypatch, K2)
    shop.land("shop/refunds", DAY, {"id": "y", "order": "o8", "amount": 5})
    assert shop.make()[0] == Part(1, 10)
    assert (spent(lake, "c3"), spent(lake, "c8")) == ([103], [3])
    assert PartCheck(SPENT_TABLE).verdict(lake, DAY).passed
    assert [key_of(file.path) for file in lake.files("shop/spent")] == ["k2"]


def test_a_noted_file_that_is_gone_or_whose_key_is_gone_has_everybody_made(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(monkeypatch, K1)
    shop = opened(lake)
    [first] = lake.files("shop/refunds")
    shop.land("shop/refunds", "2026-03-01", {"id": "x", "order": "o8", "amount": 1})
    use_keys(monkeypatch, K2, K1)
    list(rotate(lake))
    for version in lake.versions("shop/refunds"):
        if version.stamp == first.stamp:
            lake.store.remove(version.path)
    sweep(lake, at_once=True)
    use_keys(monkeypatch, K2)
    assert shop.make()[0] is None
    assert (spent(lake, "c8"), spent(lake, "c9")) == ([7], [9])


def test_another_machine_writes_nothing_plain_and_nothing_with_a_wrong_key(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(lake.store, Folder):
        pytest.skip("of a folder, the home says which keys there are")
    use_keys(monkeypatch, K1)
    shop = opened(lake)
    before = len(lake.versions("shop/news"))
    for keys, words in (((), "GTM_KEYS is not set: nothing is written"), ((OTHER_K1,), "key k1 of GTM_KEYS is not")):
        forget_copies(lake)
        use_keys(monkeypatch, *keys)
        with pytest.raises(KeyProblem, match=words):
            shop.land("shop/news", DAY, {"id": "second"})
        use_keys(monkeypatch, K1)
        shop.land("shop/news", DAY, {"id": "third"})
    assert len(lake.versions("shop/news")) == before + 2


def test_a_lake_is_made_plain_again_and_needs_no_key_then(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, K1)
    shop = opened(lake)
    assert [each.root for each in lakes_of(settings().home)] == [lake.root]
    use_keys(monkeypatch, "plain", K1)
    rotation = Rotation(settings().home, at_once=True)
    assert [progress.of for progress in rotation.run()] == [6] * 6
    assert rotation.finish().left == 0
    use_keys(monkeypatch)
    shop.land("shop/orders", DAY, order("new", "r3", 100))
    assert shop.make() == [Part(1, 10), Part(1, 10)]
    assert use_of([lake]).files.keys() == {"plain"}
