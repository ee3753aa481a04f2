"""A report as files: HTML that needs nothing else, PDF where its libraries are there, CSV, a picture.

The same report makes the same bytes: nothing here reads a clock.
"""

import contextlib
import hashlib
import io
import os
import warnings
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from gtm_platform.reports.content import Chart, Content, Table
from gtm_platform.reports.drawing import FAMILY, FONTS, png, svg
from gtm_platform.reports.figures import Figures
from gtm_platform.reports.report import Report
from gtm_platform.reports.wording import day
from gtm_platform.serving.csv_file import as_csv

LAYOUT = Path(__file__).parent / "layout"
FACES = ((400, "ReportSans-Regular.woff2"), (700, "ReportSans-Bold.woff2"))


class NoPdf(RuntimeError):
    """PDF cannot be made on this machine; the message says what is missing."""


@dataclass(frozen=True)
class Rendered:
    """The files of a report. Without `pdf`, `no_pdf` says why."""

    html: bytes
    csv: bytes
    picture: bytes
    pdf: bytes | None
    no_pdf: str = ""


def render(report: Report, figures: Figures, content: Content) -> Rendered:
    """Return the files of a report."""
    html = as_html(report, figures, content)
    data, picture = as_csv(content.columns, content.data), png(content.picture)
    try:
        return Rendered(html.encode(), data, picture, as_pdf(html, figures.day))
    except NoPdf as reason:
        return Rendered(html.encode(), data, picture, None, str(reason))


def as_html(report: Report, figures: Figures, content: Content) -> str:
    """Return the page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(LAYOUT),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        report=report,
        period=figures.period,
        subtitle=_subtitle(figures),
        content=content,
        groups=_groups(content.blocks),
        draw=lambda chart: Markup(svg(chart)),
        notes=[*content.notes, *_origin(figures)],
        phone_style=Markup((LAYOUT / "phone.css").read_text()),
        style=Markup(_faces() + (LAYOUT / "report.css").read_text()),
    )


@cache
def _faces() -> str:
    """Return the fonts as part of the page: it looks alike everywhere, and charts are drawn for their widths."""
    return "".join(
        f'@font-face {{ font-family: "{FAMILY}"; font-weight: {weight}; '
        f'src: url("data:font/woff2;base64,{b64encode((FONTS / file).read_bytes()).decode()}"); }}\n'
        for weight, file in FACES
    )


def _subtitle(figures: Figures) -> str:
    until = "" if figures.is_complete else f", so far: to {day(figures.day)}"
    compared = f" · compared with {day(figures.before)}" if figures.before else " · there is no day to compare with yet"
    return f"{figures.period.label}{until}{compared}"


def _origin(figures: Figures) -> list[str]:
    files = ", ".join(f"{day}.{stamp}" for day, stamp in sorted(figures.stamps.items(), reverse=True))
    return [
        f"Made from core/unified_customers {files}, by the rules {figures.rules.hash[:12]}. "
        f"Money is in {figures.currency.upper()}. Metrics are those of dashboard and API."
    ]


def _groups(blocks: Sequence[Chart | Table]) -> list[list[Chart | Table]]:
    """Return the blocks by rows: two charts that are not wide stand side by side."""
    groups: list[list[Chart | Table]] = []
    for block in blocks:
        narrow = isinstance(block, Chart) and not block.wide
        last = groups[-1] if groups else []
        if narrow and len(last) == 1 and isinstance(last[0], Chart) and not last[0].wide:
            last.append(block)
        else:
            groups.append([block])
    return groups


def as_pdf(html: str, as_of: str) -> bytes:
    """Return the page as PDF, tagged and with its fonts; NoPdf where this machine cannot make it."""
    weasyprint = _weasyprint()
    with _standing_clock(as_of):
        document = weasyprint.HTML(string=html, base_url=str(LAYOUT))
        written: bytes = document.write_pdf(
            pdf_identifier=hashlib.sha256(html.encode()).hexdigest().encode(),
            pdf_variant="pdf/ua-1",
        )
    return written


def _weasyprint() -> Any:
    """Import what makes PDF: its libraries are the system's, and pip cannot bring them."""
    noise = io.StringIO()  # it prints a page of advice where one is missing
    try:
        with contextlib.redirect_stdout(noise), contextlib.redirect_stderr(noise), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "HarfBuzz-Subset", DeprecationWarning)  # fontTools does without it
            import weasyprint
    except (ImportError, OSError) as error:
        library = str(error).split("'")[1] if "'" in str(error) else str(error)
        raise NoPdf(
            f"No PDF: the library {library} is missing. On Debian, apt install libpango-1.0-0 libpangoft2-1.0-0; "
            f"HTML and CSV need nothing."
        ) from None
    return weasyprint


@contextlib.contextmanager
def _standing_clock(as_of: str) -> Iterator[None]:
    """Let fonts that are embedded bear the day of the report: the moment of writing would be in the file."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = str(int(datetime.fromisoformat(as_of).replace(tzinfo=UTC).timestamp()))
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before
