"""Where reports lie: in GTM_HOME/reports, a folder for each report and period, with its description."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gtm_platform import sealed_files
from gtm_platform.lake.storage_errors import storage_errors
from gtm_platform.reports.content import Content
from gtm_platform.reports.figures import Figures
from gtm_platform.reports.render import Rendered
from gtm_platform.reports.report import Report

HTML, PDF, CSV, PICTURE, DESCRIPTION = "report.html", "report.pdf", "report.csv", "report.png", "report.json"


@dataclass(frozen=True)
class Made:
    """A report that was made. It names nobody: figures, days and hashes only."""

    name: str
    title: str
    period: str
    label: str
    day: str  # the last that it is about
    is_complete: bool
    lead: str
    cards: list[dict[str, str]]
    figures: dict[str, float | None]
    made_from: dict[str, str]  # files of the lake, by day; of companies and of trust by table and day
    policy_hash: str
    files: dict[str, str]  # hashes by name
    no_pdf: str


def folder_of(home: Path, name: str, period: str) -> Path:
    """Return the folder of a report."""
    return home / "reports" / name / period


def write(home: Path, report: Report, figures: Figures, content: Content, rendered: Rendered) -> Made:
    """Write a report in place of what was there of its period; the description comes last."""
    files = {HTML: rendered.html, CSV: rendered.csv, PICTURE: rendered.picture}
    if rendered.pdf is not None:
        files[PDF] = rendered.pdf
    made = Made(
        name=report.name,
        title=report.title,
        period=figures.period.key,
        label=figures.period.label,
        day=figures.day,
        is_complete=figures.is_complete,
        lead=content.lead,
        cards=[{"title": card.title, "shown": card.shown, "change": card.change} for card in content.cards],
        figures={card.name: card.value for card in content.cards},
        made_from={**figures.stamps, **figures.stamps_of_companies, **figures.stamps_of_trust},
        policy_hash=figures.rules.hash,
        files={name: hashlib.sha256(body).hexdigest() for name, body in sorted(files.items())},
        no_pdf=rendered.no_pdf,
    )
    folder = folder_of(home, report.name, figures.period.key)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name in {HTML, PDF, CSV, PICTURE} - set(files):
            (folder / name).unlink(missing_ok=True)
        for name, body in {**files, DESCRIPTION: _as_json(asdict(made))}.items():
            sealed_files.write_bytes(folder / name, body)
    return made


def _as_json(made: Mapping[str, Any]) -> bytes:
    return json.dumps(made, indent=1, ensure_ascii=False).encode()


def newest_complete(home: Path, name: str) -> Made | None:
    """Return the report of the newest period that was whole when it was made; None where there is none."""
    for path in sorted((home / "reports" / name).glob(f"*/{DESCRIPTION}"), reverse=True):
        made = Made(**json.loads(sealed_files.read_bytes(path)))
        if made.is_complete:
            return made
    return None
