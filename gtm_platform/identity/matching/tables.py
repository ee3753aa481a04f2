"""Matching whole tables: two with each other, or one with itself; what its columns are is worked out first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from gtm_platform.identity.matching import company_names
from gtm_platform.identity.matching.column_pairs import in_common
from gtm_platform.identity.matching.csv_files import CsvTable, UnreadableFile
from gtm_platform.identity.matching.linker import Progress, link
from gtm_platform.identity.matching.roles import Role, Roles, detect, record_id_of

PERSONAL = (Role.NAME, Role.DATE, Role.EMAIL)  # what companies do not have


@dataclass(frozen=True)
class Link:
    """Two records by their ids, how sure it is that they are the same, and what that comes to."""

    left: str
    right: str
    score: float
    decision: str  # same; of names alone also: review, weak


@dataclass(frozen=True)
class Membership:
    """The cluster of a record; the score is of its surest link within, None where it is alone."""

    record: str
    cluster: int
    score: float | None


def ids_of(table: CsvTable, column: str | None) -> list[str]:
    """Return the id of each record: a column whose values all differ, else the number of the row."""
    chosen = column or record_id_of(table.columns)
    if chosen is None:
        return [str(number) for number in range(1, len(table) + 1)]
    ids = [value or "" for value in table.column(chosen)]
    if len(set(ids)) < len(ids) or "" in ids:
        raise UnreadableFile(
            f"{table.path}: the values of {chosen!r} do not all differ, so it cannot name the records."
        )
    return ids


def link_tables(
    left: CsvTable,
    right: CsvTable,
    *,
    id_columns: tuple[str | None, str | None] = (None, None),
    progress: Progress = lambda _: None,
) -> list[Link]:
    """Link the records of two tables; none within one of them."""
    left_ids, right_ids = ids_of(left, id_columns[0]), ids_of(right, id_columns[1])
    ours, theirs = in_common(_without_id(left, id_columns[0]), _without_id(right, id_columns[1]))
    both = {name: ours[name] + theirs[name] for name in ours}
    roles = detect(both)
    if not roles.compared:
        raise UnreadableFile(
            f"{left.path} ({', '.join(left.columns)}) and {right.path} ({', '.join(right.columns)}) have no column in "
            "common that could be compared. Give columns that mean the same the same header."
        )
    _announce(roles, progress)
    if name := _only_name(roles):
        progress(f"Compared by {name} alone: the best match of each")
        return _link_names(ours[name], theirs[name], left_ids, right_ids, progress)
    sides = ["left"] * len(left) + ["right"] * len(right)
    linked = link(*_records(both, roles, sides), progress=progress)
    pairs = linked.pairs.filter(linked.pairs["same"])
    return [
        Link(left_ids[a], right_ids[b - len(left)], probability, "same")
        for a, b, probability in zip(
            *(pairs[name].to_pylist() for name in ("left", "right", "probability")), strict=True
        )
    ]


def dedupe_table(
    table: CsvTable, *, id_column: str | None = None, progress: Progress = lambda _: None
) -> list[Membership]:
    """Put the records of a table that are the same into clusters, numbered in their order."""
    ids = ids_of(table, id_column)
    roles = detect(_without_id(table, id_column))
    if not roles.compared:
        raise UnreadableFile(f"{table.path} has no column that could be compared, only {', '.join(table.columns)}.")
    _announce(roles, progress)
    if name := _only_name(roles):
        progress(f"Compared by {name} alone")
        rows = company_names.clusters_of([value or "" for value in table.columns[name]], progress=progress)
        labels, scores = rows["cluster"].to_pylist(), rows["similarity"].to_pylist()
    else:
        clusters = link(*_records(table.columns, roles), progress=progress).clusters
        labels, scores = clusters["cluster"].to_pylist(), clusters["probability"].to_pylist()
    numbers: dict[int, int] = {}
    return [
        Membership(id_, numbers.setdefault(label, len(numbers) + 1), score)
        for id_, label, score in zip(ids, labels, scores, strict=True)
    ]


def _without_id(table: CsvTable, chosen: str | None) -> dict[str, list[str | None]]:
    record_id = chosen or record_id_of(table.columns)
    return {name: column for name, column in table.columns.items() if name.lower() != (record_id or "").lower()}


def _records(
    columns: Mapping[str, Sequence[str | None]], roles: Roles, sides: Sequence[str] | None = None
) -> tuple[pa.Table, dict[str, Role]]:
    """Return the records as the linker takes them, with the roles: columns by number, whatever their headers are."""
    table = {f"column {n}": pa.array(columns[name], pa.string()) for n, name in enumerate(roles.compared)}
    by_number = dict(zip(table, roles.compared.values(), strict=True))
    table["key"] = pa.array(range(len(next(iter(table.values())))), pa.int64())
    if sides is not None:
        table["side"] = pa.array(sides, pa.string())
    return pa.table(table), by_number


def _only_name(roles: Roles) -> str | None:
    """The column by which companies are compared alone: the only one, or the only name of a company in their table."""
    if len(roles.compared) == 1:
        return next(iter(roles.compared))
    companies = [name for name, role in roles.compared.items() if role is Role.COMPANY]
    people = any(role in PERSONAL for role in roles.compared.values())
    return companies[0] if len(companies) == 1 and not people else None


def _announce(roles: Roles, progress: Progress) -> None:
    progress("Compared: " + ", ".join(f"{name} ({role})" for name, role in roles.compared.items()))
    for name, reason in roles.ignored.items():
        progress(f"Not compared: {name}, which {reason}")


def _link_names(
    left: Sequence[str | None],
    right: Sequence[str | None],
    left_ids: list[str],
    right_ids: list[str],
    progress: Progress,
) -> list[Link]:
    matches = company_names.best_matches([x or "" for x in left], [x or "" for x in right], progress=progress)
    return [
        Link(left_ids[a], right_ids[b], similarity, _decision(similarity, lead))
        for a, b, similarity, lead in zip(*(matches[name].to_pylist() for name in matches.column_names), strict=True)
    ]


def _decision(similarity: float, lead: float) -> str:
    if similarity < company_names.REVIEW:
        return "weak"
    return "same" if similarity >= company_names.SAME or lead >= company_names.LEAD else "review"
