"""What the hot path computes for some customers is what the computation of everything says of them, to the byte."""

from pathlib import Path
from random import Random

import pytest

from gtm_platform.delivery.hotpath.computing import LeftToTables
from gtm_platform_tests.delivery.hotpath.hot_home import HotHome, Record, differences, keyed
from gtm_platform_tests.delivery.hotpath.random_histories import KINDS, OF_IDENTITY, change, first

pytestmark = pytest.mark.soak

PEOPLE, CHANGES, ROUNDS = 24, 7, 2


def live_and_compare(root: Path, seed: int, kinds: tuple[str, ...]) -> tuple[int, int, set[str]]:
    """Let a home live; return how many customers were compared, how often nothing was said, and which tables made."""
    random, home = Random(seed), HotHome(root)
    home.begin(first(random, PEOPLE))
    compared, left, made = 0, 0, set[str]()
    for nth in range(ROUNDS):
        changes: dict[str, dict[str, Record]] = {}
        for _ in range(random.randrange(1, CHANGES)):
            for table, rows in change(random, home, PEOPLE, kinds).items():
                changes.setdefault(table, {}).update(keyed(table, rows))
        home.change({table: list(rows.values()) for table, rows in changes.items()}, hot_only=random.random() < 0.7)
        try:
            hot = home.hot(f"hot{nth}")
        except LeftToTables:
            left += 1
            continue
        wrong = differences(hot, home.full(f"full{nth}"))
        assert not wrong, f"seed {seed}, round {nth}: {wrong[0]}"
        compared += len(hot.ready)
        made |= set(hot.tables)
    return compared, left, made


@pytest.mark.parametrize("seed", range(1))
def test_random_histories_are_the_same_hot_and_full(tmp_path: Path, seed: int) -> None:
    compared, _, made = live_and_compare(tmp_path, seed, KINDS)
    assert compared
    assert "core/unified_customers" in made


def test_random_histories_in_which_people_change(tmp_path: Path) -> None:
    live_and_compare(tmp_path, 7, (*KINDS, *OF_IDENTITY))


@pytest.mark.long
@pytest.mark.parametrize("hundred", range(100))
def test_thousands_of_histories_are_the_same_hot_and_full(tmp_path: Path, hundred: int) -> None:
    """Each customer of each home is a history: of 24 in 5 homes, 12,000."""
    for seed in range(1_000 + hundred * 5, 1_005 + hundred * 5):
        live_and_compare(tmp_path / str(seed), seed, (*KINDS, *KINDS, *OF_IDENTITY) if seed % 2 else KINDS)
