"""`gtm identity bench` and `gtm identity dedupe`: matching of CSV files, with the code that the assets match with."""

import csv
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click

from gtm_platform.identity.matching.csv_files import CsvTable, read_csv
from gtm_platform.identity.matching.measures import Truth, measure_clusters, measure_links, read_truth
from gtm_platform.identity.matching.tables import Link, dedupe_table, ids_of, link_tables

LINK_HEADER = ("left_id", "right_id", "score", "decision")
CLUSTER_HEADER = ("cluster_id", "cluster_score")

File = tuple[Path, str | None]  # with the column that names the records, where a person said which


def bench(left: File, right: File, truth: Path | None, output: Path | None, *, quiet: bool) -> None:
    """Link two files, write the links, and print figures."""
    progress = _progress(quiet)
    tables = read_csv(left[0]), read_csv(right[0])
    ids = ids_of(tables[0], left[1]), ids_of(tables[1], right[1])
    answer = read_truth(read_csv(truth), *ids) if truth else None
    links = link_tables(*tables, id_columns=(left[1], right[1]), progress=progress)
    _write(output, LINK_HEADER, ((link.left, link.right, f"{link.score:.4f}", link.decision) for link in links))
    same = [link for link in links if link.decision == "same"]
    _say(output, f"{len(same):,} links between {len(ids[0]):,} and {len(ids[1]):,} records")
    if answer:
        _say(output, str(measure_links(((link.left, link.right) for link in same), answer, *ids)))
        if len(same) < len(links):
            _say(output, _best_matches(links, answer, ids[0]))


def _best_matches(links: Sequence[Link], truth: Truth, left: Sequence[str]) -> str:
    """Of how many left records the best match is right, whatever its score."""
    entity = truth.entity_of
    right = sum(
        (link.left, link.right) in truth.pairs
        if entity is None
        else entity.get(link.left, "") == entity.get(link.right)
        for link in links
    )
    with_match = len({pair[0] for pair in truth.pairs} & set(left)) if entity is None else len(left)
    return f"top-1 {right / max(1, with_match):.4f}  (the best match of {right:,} of {with_match:,} is right)"


def dedupe(file: Path, id_column: str | None, truth: Path | None, output: Path | None, *, quiet: bool) -> None:
    """Cluster the records of a file, write it with the clusters, and print figures."""
    table = read_csv(file)
    ids = ids_of(table, id_column)
    answer = read_truth(read_csv(truth), ids, ids) if truth else None
    members = dedupe_table(table, id_column=id_column, progress=_progress(quiet))
    rows = zip(*table.columns.values(), strict=True)
    header = [_free_name(name, table) for name in CLUSTER_HEADER]
    scores = ("" if member.score is None else f"{member.score:.4f}" for member in members)
    lines = ((member.cluster, score, *row) for member, score, row in zip(members, scores, rows, strict=True))
    _write(output, (*header, *table.columns), lines)
    clusters = len({member.cluster for member in members})
    _say(output, f"{len(members):,} records in {clusters:,} clusters")
    if answer:
        _say(output, str(measure_clusters({member.record: str(member.cluster) for member in members}, answer)))


def _free_name(name: str, table: CsvTable) -> str:
    return f"new_{name}" if name in table.columns else name


def _progress(quiet: bool) -> Callable[[str], None]:
    began = time.monotonic()

    def show(what: str) -> None:
        if not quiet:
            click.secho(f"{time.monotonic() - began:6.1f} s  {what}", dim=True, err=True)

    return show


def _say(output: Path | None, what: str) -> None:
    click.echo(what, err=output is None)


def _write(output: Path | None, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    try:
        with _opened(output) as target:
            writer = csv.writer(target, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
            target.flush()
    except BrokenPipeError:  # who reads has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", newline="", encoding="utf-8") as target:
            yield target
    except OSError as error:
        raise RuntimeError(f"{output} cannot be written: {error.strerror}.") from None
