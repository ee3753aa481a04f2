"""Two checks of every source table: `fresh`, by the lake's files and the clock, and `as_usual`, by its daily figures.

No run of the table evaluates them, as both may fail when nothing runs. A sensor does, and reports a verdict when it
differs from the one before. Customers have `as_usual`, too, which the run of the daily tables evaluates.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import dagster as dg

from gtm_platform.ingest.source import Source
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.quality.daily_metrics import CURSORS, CUSTOMERS
from gtm_platform.quality.freshness import TableFreshness, freshness
from gtm_platform.quality.odd_figures import ANOMALIES, OddFigure, odd_figures
from gtm_platform.quality.plot import markdown_plot, text_plot
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SCHEDULED

FRESH, AS_USUAL = "fresh", "as_usual"  # the names of the checks
TICK_SECONDS = 120
IN_SENTENCE, PLOTTED, LISTED = 3, 6, 50  # odd figures in the sentence, in plots, and in the table
DRAWN = 28  # days in a cell of the table
ABOUT = {
    FRESH: "Its newest window was read in time, and something in it changed as lately as usual.",
    AS_USUAL: "Rows, changes, shares of nulls and other daily figures are like those of the weeks before.",
}

Verdicts = dict[dg.AssetCheckKey, dg.AssetCheckEvaluation]


@dataclass
class SourceMemory:
    """What the sensor remembers: since when it sees each source on, and what it reported of each check."""

    on_since: dict[str, str] = field(default_factory=dict)
    reported: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str | None) -> "SourceMemory":
        """Read it from a cursor."""
        return cls(**json.loads(text)) if text else cls()

    def see(self, sources: tuple[Source, ...], now: datetime) -> dict[str, datetime]:
        """Note which sources are on, and return since when."""
        on = [source.name for source in sources if not source.off()]
        self.on_since = {name: self.on_since.get(name, now.isoformat()) for name in on}
        return {name: datetime.fromisoformat(at) for name, at in self.on_since.items()}

    def news(self, verdicts: Verdicts) -> list[dg.AssetCheckEvaluation]:
        """Return what differs from what was reported, and note it as reported."""
        now = {
            key.to_user_string(): f"{verdict.passed} {'' if verdict.passed else verdict.description}"
            for key, verdict in verdicts.items()
        }
        news = [
            each
            for key, each in verdicts.items()
            if now[key.to_user_string()] != self.reported.get(key.to_user_string())
        ]
        self.reported = now
        return news


def evaluate(lake: Lake, now: datetime, on_since: Mapping[str, datetime], sources: tuple[Source, ...]) -> Verdicts:
    """Evaluate both checks of every table."""
    verdicts = [_freshness(each, now) for each in freshness(lake, policy(), on_since, sources)]
    odd: dict[str, list[OddFigure]] = {}
    for figure in odd_figures(lake):
        odd.setdefault(figure.subject, []).append(figure)
    tables = [*(source.table(stream) for source in sources for stream in source.streams), CUSTOMERS]
    verdicts += [_as_usual(table, odd.get(table, [])) for table in tables]
    return {each.asset_check_key: each for each in verdicts}


def _freshness(table: TableFreshness, now: datetime) -> dg.AssetCheckEvaluation:
    state = table.state(now)
    moments = {
        "read_until": table.read_until,
        "newest_event": table.newest_event,
        "late_after": table.late_after,
        "silent_after": table.silent_after,
    }
    metadata: dict[str, Any] = {name: dg.MetadataValue.timestamp(moment) for name, moment in moments.items() if moment}
    return _evaluation(
        table.table,
        FRESH,
        state in ("fresh", "off"),
        table.sentence(now),
        {"state": dg.MetadataValue.text(state), **metadata},
    )


def _as_usual(table: str, odd: list[OddFigure]) -> dg.AssetCheckEvaluation:
    if not odd:
        return _evaluation(table, AS_USUAL, True, "The figures of the day are as usual.", {})
    more = f"; and {len(odd) - IN_SENTENCE} more" if len(odd) > IN_SENTENCE else ""
    plots = [
        f"**{each.metric}**\n\n{markdown_plot(each.history, each.expected, each.metric)}" for each in odd[:PLOTTED]
    ]
    metadata: dict[str, Any] = {
        "odd_figures": len(odd),
        "figures": dg.MetadataValue.table([dg.TableRecord(_row(each)) for each in odd[:LISTED]]),
        "plots": dg.MetadataValue.md("\n\n".join(plots)),
    }
    return _evaluation(table, AS_USUAL, False, "; ".join(map(str, odd[:IN_SENTENCE])) + more, metadata)


def _row(odd: OddFigure) -> dict[str, str | float]:
    """A row of the table; metadata know no null."""
    return {
        "metric": odd.metric,
        "kind": odd.kind,
        "day": str(odd.day),
        "value": "" if odd.value is None else round(odd.value, 2),
        "expected": round(odd.expected, 2),
        "change": "" if odd.change is None else f"{odd.change:+.0%}",
        "since": str(odd.since),
        "weeks before": text_plot(odd.history[-DRAWN:]),
    }


def _evaluation(
    table: str, name: str, passed: bool, description: str, metadata: Mapping[str, Any]
) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(table.split("/")),
        check_name=name,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=description,
        metadata=metadata,
    )


def source_checks(sources: tuple[Source, ...] = SCHEDULED) -> dg.AssetChecksDefinition:
    """Build the checks, for a person to evaluate in the UI."""

    @dg.multi_asset_check(name="watched_tables", specs=_specs(), can_subset=True)
    def watched_tables(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> Iterator[dg.AssetCheckResult]:
        verdicts = evaluate(lake.open(), settings().now(), {}, sources)
        for key in sorted(context.selected_asset_check_keys):
            verdict = verdicts[key]
            yield dg.AssetCheckResult(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=verdict.passed,
                severity=verdict.severity,
                description=verdict.description,
                metadata=verdict.metadata,
            )

    return watched_tables


def _specs() -> list[dg.AssetCheckSpec]:
    tables = [dg.AssetKey(table.split("/")) for table in CURSORS]
    customers, anomalies = dg.AssetKey(CUSTOMERS.split("/")), dg.AssetKey(ANOMALIES.split("/"))
    return [
        *(dg.AssetCheckSpec(FRESH, asset=key, description=ABOUT[FRESH]) for key in tables),
        *(
            dg.AssetCheckSpec(AS_USUAL, asset=key, description=ABOUT[AS_USUAL], additional_deps=[anomalies])
            for key in (*tables, customers)
        ),
    ]


@dg.sensor(
    name="watch_tables",
    description="Evaluates the freshness and the daily figures of every source table; reports verdicts that turned.",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=TICK_SECONDS,
)
def watch_tables(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Report each verdict that differs from the one before; the first tick reports all of them."""
    memory, now = SourceMemory.of(context.cursor), settings().now()
    on_since = memory.see(SCHEDULED, now)
    verdicts = evaluate(the_lake(), now, on_since, SCHEDULED)
    watched = {key: verdict for key, verdict in verdicts.items() if key.asset_key.to_user_string() in CURSORS}
    news = memory.news(watched)
    return dg.SensorResult(
        skip_reason=f"{len(news)} of {len(watched)} verdicts are news",
        cursor=json.dumps(vars(memory)),
        asset_events=news,
    )
