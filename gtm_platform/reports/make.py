"""Making a report: its figures out of the lake, its content, its files."""

from pathlib import Path

from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy
from gtm_platform.reports.figures import Figures
from gtm_platform.reports.files import Made, write
from gtm_platform.reports.period import Period
from gtm_platform.reports.render import render
from gtm_platform.reports.report import Report


def make(report: Report, period: Period, lake: Lake, rules: Policy, home: Path) -> Made:
    """Make the report of a period, and write its files; NothingToReport where the lake has no day of it."""
    figures = Figures(lake, period, rules)
    content = report.content(figures)
    return write(home, report, figures, content, render(report, figures, content))
