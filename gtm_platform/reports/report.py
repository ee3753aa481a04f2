"""What a report is: its name, how often it comes, and its content. Each is declared in a file of `kinds`."""

from collections.abc import Callable
from dataclasses import dataclass

from gtm_platform.reports.content import Content
from gtm_platform.reports.figures import Figures
from gtm_platform.reports.period import Cadence


@dataclass(frozen=True)
class Report:
    """A report. `about` says in a sentence what it is for."""

    name: str
    title: str
    about: str
    cadence: Cadence
    content: Callable[[Figures], Content]
