"""Broken files of every kind that people drop, one for each kind of damage: no row is lost.

Each is made of good rows and damaged in one way, so that how many rows are good is known by how it was made.
"""

import codecs
import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gtm_platform.ingest.files.folder import FileFolder
from gtm_platform.ingest.files.reading import FileReport
from gtm_platform.ingest.files.streams import folder_of
from gtm_platform.ingest.plan import PartitionWindow
from gtm_platform.ingest.source import Source
from gtm_platform.ingest.stream_sync import StreamSync
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SOURCES
from gtm_platform_tests.ingest.syncing import RULES

NOW = datetime(2026, 3, 5, 10, tzinfo=UTC)
DAY = timedelta(days=1)
GOOD = 6
LETTERS = "Zoë Müller"


@dataclass(frozen=True)
class Sample:
    """A kind of file: its name and header, a good row (with {n}), and values with which a row cannot be used.

    `text` is a column that takes any text, `required` those without which the file is refused.
    """

    name: str
    header: str
    row: str
    bad: dict[str, str]
    text: str
    required: tuple[str, ...]

    @property
    def headings(self) -> list[str]:
        return self.header.split(",")

    def rows(self) -> list[list[str]]:
        """Good rows, each about another thing."""
        return [self.row.format(n=n).split(",") for n in range(GOOD)]

    def with_values(self, **values: str) -> list[str]:
        """A further row with other values in some columns."""
        row = dict(zip(self.headings, self.row.format(n=GOOD).split(","), strict=True))
        return list({**row, **values}.values())

    def with_text(self, text: str) -> list[str]:
        """A further row with a text of one's own."""
        return self.with_values(**{self.text: text})


SAMPLES: dict[tuple[str, str], Sample] = {
    ("linkedin_sales_nav", "accounts"): Sample(
        "accounts_tier1_20260301.csv",
        "company_name,website,linkedin_company_url,headquarters,notes",
        "Acme {n},https://acme{n}.example,https://www.linkedin.com/company/acme-{n},Berlin,met",
        {"company_name": "", "linkedin_company_url": "", "website": ""},
        "headquarters",
        ("company_name", "linkedin_company_url"),
    ),
    ("linkedin_sales_nav", "leads"): Sample(
        "leads_tier1_20260301.csv",
        "first_name,last_name,company_name,title,email,connected_on",
        "Ada,Li {n},Acme,CTO,ada{n}@acme.example,2026-03-01",
        {"email": "", "first_name": "", "last_name": ""},
        "title",
        ("last_name", "email"),
    ),
    ("partners_csv", "partners"): Sample(
        "partners_20260301.csv",
        "partner_name,partner_domain,partner_type,tier,status,notes",
        "North {n},north{n}.example,si,gold,active,met",
        {"tier": "golden"},
        "notes",
        ("tier",),
    ),
    ("partners_csv", "referrals"): Sample(
        "partner_referrals_20260301.csv",
        "referral_id,partner_domain,customer_name,engagement_type,stage,submitted_on,notes",
        "R-{n},north.example,Acme {n},referred,won,2026-02-01,met",
        {"stage": "nearly"},
        "notes",
        ("stage",),
    ),
    ("partners_csv", "manual_entries"): Sample(
        "partner_manual_entries_20260301.csv",
        "entry_id,partner_domain,field,value,effective_on,entered_by,reason",
        "M-{n},north.example,tier,gold,2026-02-01,sam@ours.example,met",
        {"value": "golden"},
        "reason",
        ("effective_on",),
    ),
    ("competitor_research", "competitor_use"): Sample(
        "competitor_research_20260301.csv",
        "company_name,company_domain,competitor,confidence,seen_on,notes",
        "Acme {n},acme{n}.example,pinecone,high,2026-02-01,met",
        {"seen_on": "lately"},
        "notes",
        ("competitor",),
    ),
    ("reodev_export", "activities"): Sample(
        "reodev_activities_20260301.csv",
        "account_domain,developer_name,developer_email,activity_type,activity_date,activity_info",
        "acme{n}.example,Ada,ada{n}@acme.example,star,2026-02-01,met",
        {"activity_type": "danced"},
        "activity_info",
        ("activity_type",),
    ),
}


@dataclass(frozen=True)
class Broken:
    """A file's content, and how many of its rows are good and bad."""

    content: bytes
    good: int = GOOD
    bad: int = 0


def text(header: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter, lineterminator="\r\n").writerows([header, *rows])
    return target.getvalue()


def lettered(sample: Sample) -> list[list[str]]:
    """The good rows with letters beyond ASCII."""
    return [_replaced(sample, row, LETTERS) for row in sample.rows()]


def _replaced(sample: Sample, row: list[str], value: str) -> list[str]:
    place = sample.headings.index(sample.text)
    return [*row[:place], value, *row[place + 1 :]]


def plain(sample: Sample, *more: Sequence[str]) -> str:
    return text(sample.headings, [*sample.rows(), *more])


def a_heading_twice(sample: Sample) -> Broken:
    rows = [[*row, "other"] for row in sample.rows()]
    return Broken(text([*sample.headings, sample.headings[0].replace("_", " ").upper()], rows).encode())


def truncated(sample: Sample) -> Broken:
    """Cut off within the last cell, which is quoted."""
    last = sample.with_text('so "they" said')
    content = plain(sample, last)
    return Broken(content[: content.rindex('""they')].encode(), GOOD, 1)


def unclosed(sample: Sample) -> Broken:
    lines = plain(sample).splitlines(keepends=True)
    broken = ",".join(sample.with_text('"met')) + "\r\n"
    return Broken("".join([*lines[:3], broken, *lines[3:]]).encode(), GOOD, 1)


DAMAGE: dict[str, Callable[[Sample], Broken]] = {
    "UTF-8": lambda sample: Broken(text(sample.headings, lettered(sample)).encode()),
    "a mark before UTF-8": lambda sample: Broken(codecs.BOM_UTF8 + text(sample.headings, lettered(sample)).encode()),
    "UTF-16 with tabs": lambda sample: Broken(text(sample.headings, lettered(sample), "\t").encode("utf-16")),
    "UTF-16 without a mark": lambda sample: Broken(plain(sample).encode("utf-16-le")),
    "Windows-1252 with semicolons": lambda sample: Broken(
        text(sample.headings, lettered(sample), ";").encode("cp1252")
    ),
    "line breaks in quotes": lambda sample: Broken(
        text(sample.headings, [_replaced(sample, row, 'one\r\n"two", three') for row in sample.rows()]).encode()
    ),
    "a heading twice": a_heading_twice,
    "notes above the header and blank rows": lambda sample: Broken(
        f"Our list\r\n\r\n{plain(sample, [''], [''])}".encode()
    ),
    "truncated": truncated,
    "a quote that is never closed": unclosed,
    "too few and too many cells": lambda sample: Broken(
        plain(sample, ["x"], [*sample.rows()[0], "y", "z"]).encode(), GOOD, 2
    ),
    "a value that cannot be": lambda sample: Broken(plain(sample, sample.with_values(**sample.bad)).encode(), GOOD, 1),
    "NUL and bytes that are no text": lambda sample: Broken(
        text(sample.headings, lettered(sample)).encode()
        + ",".join(sample.with_text("a\0b")).encode()
        + b"\r\n"
        + ",".join(sample.with_text("a#b")).encode().replace(b"#", b"\xff")
        + b"\r\n",
        GOOD,
        2,
    ),
}
SPOILT = ("too few and too many cells", "a value that cannot be", "truncated")  # of which the last one ends the file
KINDS = [pytest.param(*kind, id="/".join(kind)) for kind in SAMPLES]


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_NOW", NOW.isoformat())
    settings.cache_clear()


def source_named(name: str) -> Source:
    return next(source for source in SOURCES if source.name == name)


def folder(name: str) -> FileFolder:
    chosen = folder_of(source_named(name))
    assert chosen is not None
    return chosen


def examined(source: str, sample: Sample, content: bytes, tmp_path: Path) -> FileReport:
    path = tmp_path / sample.name
    path.write_bytes(content)
    return folder(source).dry_run(path)


def test_there_is_a_sample_of_every_kind_of_file() -> None:
    kinds = {(each.name, stream) for each in SOURCES if (taken := folder_of(each)) for stream in taken.layouts}
    assert kinds == set(SAMPLES)


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(("source", "stream"), KINDS)
def test_accepted_and_quarantined_rows_are_all_rows(source: str, stream: str, damage: str, tmp_path: Path) -> None:
    sample = SAMPLES[source, stream]
    broken = DAMAGE[damage](sample)
    report = examined(source, sample, broken.content, tmp_path)
    assert (report.refused, report.stream) == ("", stream)
    assert (report.accepted, report.quarantined) == (broken.good, broken.bad), report.reasons
    assert report.rows == broken.good + broken.bad
    assert sum(report.reasons.values()) == broken.bad


@pytest.mark.parametrize(("source", "stream"), KINDS)
def test_a_wrong_column_is_refused_and_named(source: str, stream: str, tmp_path: Path) -> None:
    sample = SAMPLES[source, stream]
    wrong = [f"{heading}z" if heading in sample.required else heading for heading in sample.headings]
    report = examined(source, sample, text(wrong, sample.rows()).encode(), tmp_path)
    assert "lacks a column that is required" in report.refused
    for heading in sample.required:
        assert f"If {heading}z is meant as {heading}, rename it." in report.refused
    assert report.accepted == 0


@pytest.mark.parametrize(("source", "stream"), KINDS)
def test_every_line_is_in_the_table_or_in_its_quarantine(source: str, stream: str, lake: Lake) -> None:
    sample = SAMPLES[source, stream]
    lines = plain(sample).splitlines(keepends=True)
    spoilt = [DAMAGE[kind](sample).content.decode().splitlines(keepends=True) for kind in SPOILT]
    content = "".join([*lines, *(line for each in spoilt for line in each[len(lines) :])])
    taken = folder(source)
    taken.drop.mkdir(parents=True, exist_ok=True)
    path = taken.drop / sample.name
    path.write_text(content, newline="")
    os.utime(path, (0, 0))
    stored, quarantined = synced(lake, source_named(source), stream)
    assert sorted([*stored, *quarantined]) == list(range(2, len(content.splitlines()) + 1))
    assert len(stored) == GOOD


def synced(lake: Lake, source: Source, stream: str) -> tuple[list[int], list[int]]:
    """Sync a stream; the lines whose rows stand in its table, and those in its quarantine."""
    (chosen,) = (each for each in source.streams if each.name == stream)
    end = NOW.replace(hour=0)
    with source.open() as client:
        StreamSync(lake, source, chosen, RULES, NOW, "run").sync(
            client, [PartitionWindow("2026-03-04", end - DAY, end)]
        )
    stored = lake.as_of(source.table(chosen), "9999").to_pyarrow().to_pylist()
    quarantine = source.quarantine(chosen)
    bad = lake.read(quarantine, lake.files(quarantine)).to_pyarrow().to_pylist()
    return [row["line"] for row in stored], list(_lines(bad))


def _lines(rows: list[dict[str, object]]) -> Iterator[int]:
    """The record's id in a quarantine of files is the file and the line."""
    for row in rows:
        yield int(str(row["record_id"]).rpartition(":")[2])
