"""What `gtm effect …` prints."""

import getpass
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import click

import gtm_platform.definitions  # noqa: F401  declares the tables
from gtm_platform.cli.printing import Rows, print_table
from gtm_platform.intelligence.effect import effect, power, success
from gtm_platform.intelligence.effect.experiments import Experiment, experiments_of_home, register, stop
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.expressions.money import minor_units
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Effect, policy
from gtm_platform.settings import settings

USUAL_SHARE = 0.2  # of an experiment that the policy does not describe yet
NOTHING = "–"


def print_power(changed: Mapping[str, Any], stated: Mapping[str, Any], months: Sequence[int]) -> None:
    """Print the chance of finding each reduction of churn, by months, and how many outcomes each needs."""
    in_policy = policy().effect
    values = {"share": in_policy.share or USUAL_SHARE} | {k: v for k, v in changed.items() if v is not None}
    terms = in_policy.model_copy(update=values)
    past = _past(terms, stated)
    where = f"by the last {past.days} days of the lake" if past.days else "as you say"
    click.echo(
        f"{past.now:,.0f} customers would count at the start and {past.a_month:,.0f} more a month, of whom "
        f"{past.churn:.1%} churn within {terms.outcome_days} days ({where}). {terms.share:.0%} are withheld; intervals "
        f"hold {terms.confidence:.0%}, however often they are looked at.\n"
    )
    cuts = [f"−{cut:.0%}" for cut in power.REDUCTIONS]
    plans = list(power.plans(past, terms, sorted(set(months))))
    lines = [(str(each.months), f"{each.outcomes:,}", *(f"{chance:.0%}" for chance in each.powers)) for each in plans]
    print_table(Rows(["months", "outcomes", *cuts], lines))
    needed = [power.outcomes_needed(cut * past.churn, past.churn, terms) for cut in power.REDUCTIONS]
    shown = ", ".join(
        f"{name}: {f'{count:,}' if count else 'over a million'}" for name, count in zip(cuts, needed, strict=True)
    )
    click.echo(f"\nOutcomes for a chance of {power.WELL_FOUND:.0%}: {shown}.")
    click.secho(
        "Chances are the least: what is known of customers at entry makes intervals narrower, and an earlier look may "
        "have found it.",
        dim=True,
    )


def _past(terms: Effect, stated: Mapping[str, Any]) -> power.Past:
    if all(value is not None for value in stated.values()):
        return power.Past(**stated)
    measured = power.past_of(the_lake(), terms)
    values = {"now": measured.now, "a_month": measured.a_month, "churn": measured.churn}
    return power.Past(**values | {k: v for k, v in stated.items() if v is not None}, days=measured.days)


def register_policy(who: str | None, *, ask: bool) -> None:
    """Register what the policy says, once somebody agreed to it."""
    terms = policy().effect
    if terms.share and ask:
        for name, value in terms.model_dump(mode="json").items():
            click.echo(f"  {name:<14} {_term(value)}")
        click.confirm("Register this? It cannot be changed afterwards.", abort=True)
    experiment, is_new = register(terms, who or getpass.getuser(), settings().now())
    done = "is registered" if is_new else f"was registered on {experiment.registered_at:%Y-%m-%d} already, just so"
    click.echo(f"{experiment.name} {done}. It begins on {experiment.starts_on}.")


def stop_experiment(name: str, who: str | None, reason: str) -> None:
    """Stop an experiment, and say what that means."""
    experiment = stop(name, who or getpass.getuser(), reason, settings().now())
    click.echo(f"{name} is stopped: {experiment.stopped_on} is the last day on which anything is withheld.")


def print_experiments(day: str | None) -> None:
    """Print each experiment with its terms and what it found by a day."""
    experiments = experiments_of_home()
    if not experiments:
        click.echo("No experiment is registered: nothing is withheld from anybody. See `gtm effect power`.\n")
    measured = _rows(the_lake(), effect.TABLE.key, day)
    for each in reversed(experiments):
        _print_experiment(each, [row for row in measured if row["experiment"] == each.name])


def _print_experiment(experiment: Experiment, measured: Sequence[Mapping[str, Any]]) -> None:
    terms = experiment.terms
    ends_on = next((row["ends_on"] for row in measured), None) or experiment.ends_on() or "its last outcome"
    click.secho(f"{experiment.name}: {terms.hypothesis}", bold=True)
    click.echo(
        f"{experiment.starts_on} to {ends_on}; registered {experiment.registered_at:%Y-%m-%d %H:%M} UTC by "
        f"{experiment.registered_by} ({experiment.digest[:12]}). {' and '.join(terms.withholds)} withheld from "
        f"{terms.share:.0%}, outcome {terms.outcome} after {terms.outcome_days} days."
    )
    if experiment.stopped_on:
        click.echo(f"Stopped on {experiment.stopped_on}: {experiment.stopped_reason}")
    lines = [
        (
            f"{row['outcome']}{' *' if row['is_primary'] else ''}",
            *(_figure(row, name) for name in ("mean_treated", "mean_withheld", "difference", "low", "high")),
            f"{row['treated']:,} + {row['withheld']:,}",
            row["verdict"],
        )
        for row in sorted(measured, key=lambda row: (not row["is_primary"], row["outcome"]))
    ]
    if lines:
        columns = ["outcome", "treated", "withheld", "difference", "low", "high", "customers", "verdict"]
        print_table(Rows(columns, lines))
        click.secho("* registered as what the hypothesis is about; the others only suggest.", dim=True)
    click.echo()


def print_success(day: str | None) -> None:
    """Print the metrics of success as of a day."""
    rows = {row["metric"]: row for row in _rows(the_lake(), success.TABLE.key, day)}
    if not rows:
        click.echo("Success was not measured yet: the daily tables do it.")
        return
    click.secho("Success", bold=True)
    for name, metric in success.METRICS.items():
        if row := rows.get(name):
            value, baseline = (_success(metric.unit, row[which]) for which in ("value", "baseline"))
            since = f" on {row['baseline_on']}" if row["baseline_on"] else ""
            beside = f" (beside {baseline}: {row['baseline_is']}{since})" if row["baseline"] is not None else ""
            click.echo(f"{metric.title}: {value}, {row['basis']}{beside}")
            click.secho(f"  {row['how']} From {row['tables']}.", dim=True)


def _rows(lake: Lake, table: str, day: str | None) -> list[dict[str, Any]]:
    """Return the rows of a table on the newest day up to one."""
    files = [file for file in lake.files(table) if day is None or file.partition <= day][-1:]
    query = lake.file_query(table, files)
    with cursor() as connection, lake.naming_damage(lambda: query.files):
        result = connection.execute(query.sql)
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _figure(row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    if value is None:
        return NOTHING
    sign = "+" if name in ("difference", "low", "high") else ""
    if row["outcome"] == "churn":
        return f"{value:{sign}.1%}"
    return f"{value / minor_units(policy().money.reporting_currency):{sign},.2f}"


def _success(unit: str, value: float | None) -> str:
    if value is None:
        return "not measured"
    return f"{value:.1%}" if unit == "share" else f"{value:,.0f}"


def _term(value: Any) -> str:
    if isinstance(value, date | int | float | str):
        return str(value)
    return ", ".join(map(str, value)) if value else NOTHING
