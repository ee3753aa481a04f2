"""The sandbox's front page: what it is, and what can be done with it, by a button or by a command to copy.

What the buttons do is done by the routes of `control`; the page about truth is `truth_page`.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from typing import Any

from gtm_platform.sandbox.faults import Fault
from gtm_platform.sandbox.kit.emulator import PageLink
from gtm_platform.sandbox.page_layout import call_button, copy_button, document


@dataclass(frozen=True)
class FaultRecipe:
    """A documented fault that one press of a button adds to a system."""

    label: str
    about: str
    fault: Mapping[str, Any]


RECIPES = (
    FaultRecipe(
        "429 storm", "half of the calls are refused for two seconds", {"status": 429, "rate": 0.5, "retry_after": 2}
    ),
    FaultRecipe("500s", "a third of the calls fail", {"status": 500, "rate": 0.33}),
    FaultRecipe("reset mid body", "a fifth of the answers break off", {"reset": "mid-body", "rate": 0.2}),
    FaultRecipe("slow", "every answer takes two seconds more", {"delay_ms": 2000}),
)

_COMMANDS = (
    ("Serve the sandbox alone, on its default port", "gtm sandbox serve"),
    ("Move the sandbox and the platform on by a day", "gtm sandbox day"),
    ("Open the Dagster UI on this world", "gtm ui"),
    ("Live through fourteen days and check all that is claimed", "gtm demo"),
    ("Ask the lake in SQL", 'gtm query "select name, mrr from core.unified_customers"'),
)


@dataclass(frozen=True)
class SystemView:
    """What the page shows of one emulated system."""

    name: str
    title: str
    url: str
    pages: Sequence[PageLink]
    requests: int
    refusals: int
    faults: Sequence[Fault]


@dataclass(frozen=True)
class FrontPage:
    """Everything that the page shows."""

    now: datetime
    clock: str  # how it goes, in a sentence
    people: int
    seed: int
    start: datetime
    systems: Sequence[SystemView]
    truth_day: date
    totals: Mapping[str, Any]
    environment: Mapping[str, str]

    def to_html(self) -> str:
        titles = ", ".join(system.title for system in self.systems)
        body = f"""<h1>The sandbox</h1>
<p class="lead">A made-up company and its customers, served on this machine by the APIs of its tools: {escape(titles)}.
Nothing here is real and nothing leaves it. This world began with {self.people:,} people on {self.start:%d %B %Y}
(seed {self.seed}); the same seed, people and start make the same world again.</p>
<p role="status"></p>
<div class="grid">{self._clock()}{self._truth()}{self._systems()}{_commands()}{self._environment()}</div>"""
        return document("GTM sandbox", body)

    def _clock(self) -> str:
        buttons = (
            call_button("+1 hour", "POST", "/_sandbox/clock", {"hours": 1}),
            call_button("+1 day", "POST", "/_sandbox/clock/day", kind="primary"),
            call_button("Follow real time", "DELETE", "/_sandbox/clock"),
        )
        return f"""<section class="card half"><h2>The clock</h2>
<p class="clock"><time datetime="{self.now.isoformat()}">{self.now:%a %d %b %Y, %H:%M}</time> <small>UTC</small></p>
<p class="faint">{escape(self.clock)}</p>
<div class="buttons">{"".join(buttons)}</div></section>"""

    def _truth(self) -> str:
        figures = {"people": self.totals["people"], "customers": self.totals["customers"], **self.totals["statuses"]}
        shown = "".join(
            f"<div><dt>{escape(name.replace('_', ' '))}</dt><dd>{figure:,}</dd></div>"
            for name, figure in figures.items()
        )
        return f"""<section class="card half"><h2>The truth</h2>
<p class="faint">Who is who, and how everybody stood at the end of {self.truth_day:%d %B %Y}.</p>
<dl class="figures">{shown}</dl>
<p><a href="/_sandbox/truth/table">See it as a table</a> · <a href="/_sandbox/truth">as JSON</a></p></section>"""

    def _systems(self) -> str:
        shown = "".join(_system(system) for system in self.systems)
        total = sum(system.requests for system in self.systems)
        clear = call_button("Clear all faults", "DELETE", "/_sandbox/faults")
        legend = "; ".join(f"<b>{escape(recipe.label)}</b>: {escape(recipe.about)}" for recipe in RECIPES)
        recount = call_button("Count anew", "DELETE", "/_sandbox/requests")
        return f"""<section class="card"><h2>The systems, and breaking them</h2>
<p class="faint">{_count(total)} so far; <a href="/_sandbox/requests">each path and status</a>.
{legend}.
A fault stays until it is cleared; <a href="/_sandbox/faults">all that are on</a>.</p>
<div class="systems">{shown}</div>
<div class="buttons">{clear}{recount}</div></section>"""

    def _environment(self) -> str:
        lines = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in self.environment.items())
        return f"""<section class="card half"><h2>Environment</h2>
<p class="faint">What points a platform, or any client, at this sandbox; <a href="/_sandbox/env">as JSON</a>.</p>
<pre id="environment">{escape(lines)}</pre>
<div class="buttons">{copy_button("environment", "Copy all")}</div></section>"""


def _system(system: SystemView) -> str:
    links = [f'<a href="{escape(system.url)}{escape(page.path)}">See {escape(page.title)}</a>' for page in system.pages]
    links.append(f"<code>{escape(system.url)}</code>")
    breaking = "".join(
        call_button(recipe.label, "POST", "/_sandbox/faults", {"system": system.name, **recipe.fault}, "break")
        for recipe in RECIPES
    )
    faults = "".join(f'<div class="fault">{escape(fault_sentence(fault))}</div>' for fault in system.faults)
    clear = call_button("Clear", "DELETE", f"/_sandbox/faults?system={system.name}") if system.faults else ""
    refused = f", {system.refusals:,} refused" if system.refusals else ""
    return f"""<div class="system"><h3>{escape(system.title)}<span>{_count(system.requests)}{refused}</span></h3>
<p class="faint">{" · ".join(links)}</p>{faults}
<div class="buttons">{breaking}{clear}</div></div>"""


def _count(requests: int) -> str:
    return "1 request" if requests == 1 else f"{requests:,} requests"


def fault_sentence(fault: Fault) -> str:
    """What a fault does to which calls, and how often it did."""
    kinds = (
        (fault.status, f"answered with {fault.status}"),
        (fault.reset, "reset in the middle of the body"),
        (fault.truncate, "answered with JSON that is cut"),
        (fault.duplicate_page, "answered with the page before"),
        (fault.cursor_loop, "answered with the first page again and again"),
        (fault.delay_ms, f"answered {fault.delay_ms / 1000:g} seconds late"),
    )
    effect = " and ".join(text for is_so, text in kinds if is_so)
    calls = "all calls" if fault.rate is None else f"{fault.rate:.0%} of the calls"
    if fault.nth:
        calls = f"the calls number {', '.join(map(str, fault.nth))}"
    where = "" if fault.path == "/" else f" to {fault.path}"
    return f"Breaking: {calls}{where} are {effect}. {fault.hits} of {fault.calls} calls so far."


def _commands() -> str:
    rows = "".join(
        f'<dt>{escape(about)}</dt><dd><code id="command{place}">{escape(command)}</code>'
        f"{copy_button(f'command{place}')}</dd>"
        for place, (about, command) in enumerate(_COMMANDS)
    )
    return f'<section class="card half"><h2>Commands</h2><dl class="commands">{rows}</dl></section>'
