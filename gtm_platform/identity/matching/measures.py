"""How good a matching is, against the truth in a file: precision, recall, F1 over pairs of records.

A truth file lists pairs of ids that are the same, or of each id the entity that it belongs to.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gtm_platform.identity.matching.csv_files import CsvTable, UnreadableFile
from gtm_platform.identity.matching.roles import is_answer, words

VERDICTS = ("match", "is_match", "label", "same", "is_duplicate", "duplicate", "truth")
FALSE = frozenset(["0", "false", "no", "f", "n", "0.0"])

Pair = tuple[str, str]


@dataclass(frozen=True)
class Truth:
    """What is the same: pairs of a left and a right id, or the entity of each id."""

    pairs: frozenset[Pair] = frozenset()
    entity_of: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Measures:
    """Counts of pairs, and what follows from them."""

    right: int  # pairs that were linked and are the same
    linked: int
    true: int

    @property
    def precision(self) -> float:
        return self.right / self.linked if self.linked else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.linked + self.true) if self.linked + self.true else 0.0

    def __str__(self) -> str:
        return (
            f"precision {self.precision:.4f}  recall {self.recall:.4f}  F1 {self.f1:.4f}  "
            f"({self.right:,} of {self.linked:,} links right; {self.true:,} true pairs)"
        )


def read_truth(table: CsvTable, left: Collection[str], right: Collection[str]) -> Truth:
    """Read a truth file by what its columns hold: two of ids are pairs, one of ids has entities."""
    left_ids, right_ids = frozenset(left), frozenset(right)
    if any(name in left_ids | right_ids for name in table.columns):  # there is no header: its first line is a row, too
        columns = {f"column_{n}": [name, *table.columns[name]] for n, name in enumerate(table.columns, start=1)}
        table = CsvTable(table.path, columns)
    shares = {name: (_share(values, left_ids), _share(values, right_ids)) for name, values in table.columns.items()}
    every = left_ids | right_ids
    ids = [name for name, values in table.columns.items() if _share(values, every) > 0.5 and not is_answer(name)]
    if not ids:
        raise UnreadableFile(
            f"{table.path}: no column holds ids of the records that were read. It should have pairs of ids that are "
            "the same, or of each id the entity that it belongs to."
        )
    if len(ids) >= 2:
        first, second = ids[:2]
        if shares[first][0] + shares[second][1] < shares[first][1] + shares[second][0]:
            first, second = second, first
        return Truth(pairs=frozenset(_pairs(table, first, second)))
    further = [name for name in table.columns if name != ids[0]]
    entity = next((name for name in further if is_answer(name)), further[0] if further else None)
    if entity is None:
        raise UnreadableFile(f"{table.path} has the column {ids[0]} only; it needs a second one, of ids or entities.")
    rows = zip(table.columns[ids[0]], table.columns[entity], strict=True)
    return Truth(entity_of={id_: of for id_, of in rows if id_ is not None and of is not None})


def _share(values: Collection[str | None], ids: frozenset[str]) -> float:
    return sum(value in ids for value in values) / max(1, len(values))


def _pairs(table: CsvTable, first: str, second: str) -> Iterable[Pair]:
    verdict = next((name for name in table.columns if words(name) in VERDICTS), None)
    verdicts = table.columns[verdict] if verdict not in (None, first, second) else ["1"] * len(table)
    for left, right, says in zip(table.columns[first], table.columns[second], verdicts, strict=True):
        if left is not None and right is not None and (says or "1").lower() not in FALSE:
            yield left, right


def measure_links(links: Iterable[Pair], truth: Truth, left: Iterable[str], right: Iterable[str]) -> Measures:
    """Compare links between two tables with the truth."""
    linked = set(links)
    if truth.entity_of is None:
        return Measures(len(linked & truth.pairs), len(linked), len(truth.pairs))
    entity = truth.entity_of
    on_left = Counter(entity[id_] for id_ in left if id_ in entity)
    on_right = Counter(entity[id_] for id_ in right if id_ in entity)
    true = sum(count * on_right[of] for of, count in on_left.items())
    right_ones = sum(entity.get(a, a) == entity.get(b) for a, b in linked)
    return Measures(right_ones, len(linked), true)


def measure_clusters(cluster_of: Mapping[str, str], truth: Truth) -> Measures:
    """Compare the pairs within the clusters of one table with the truth."""
    linked = _pairs_within(Counter(cluster_of.values()))
    if truth.entity_of is None:
        true = {(min(pair), max(pair)) for pair in truth.pairs if pair[0] != pair[1]}
        right = sum(a in cluster_of and cluster_of[a] == cluster_of.get(b) for a, b in true)
        return Measures(right, linked, len(true))
    both: dict[tuple[str, str], int] = defaultdict(int)
    for id_, cluster in cluster_of.items():
        both[cluster, truth.entity_of.get(id_, f"without entity: {id_}")] += 1
    entities = Counter(truth.entity_of[id_] for id_ in cluster_of if id_ in truth.entity_of)
    return Measures(_pairs_within(both), linked, _pairs_within(entities))


def _pairs_within(sizes: Mapping[Any, int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes.values())
