"""What `gtm enrich` does: the runs that ask providers, the plan of one, and the ledger."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import click
import dagster as dg

from gtm_platform.cli.printing import Rows, print_rows
from gtm_platform.cli.runs import progress, sentences, span
from gtm_platform.definitions import defs
from gtm_platform.enrichment.assets import job_name
from gtm_platform.enrichment.budget import Budget, budget_of
from gtm_platform.enrichment.candidates import Candidate, candidates
from gtm_platform.ingest.source import Source
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.orchestration.instance import instance
from gtm_platform.orchestration.liveness import execute_here
from gtm_platform.policy import policy
from gtm_platform.settings import settings
from gtm_platform.sources.assets import ON_DEMAND
from gtm_platform.state import audit, open_state, spend

A_SECOND = timedelta(seconds=1)
ACCURACY = "market/provider_accuracy"


def ask_providers(name: str | None, limit: int | None) -> int:
    """Run the job of each provider, one after the other: what one answers, the next is not asked for."""
    code = 0
    for source in _chosen(name):
        code = max(code, _ask(source, limit))
    return code


def _ask(source: Source, limit: int | None) -> int:
    graph = dg.Definitions.merge(defs, dg.Definitions(loggers={"progress": progress}))
    day = f"{settings().now():%Y-%m-%d}"
    config: dict[str, Any] = {"loggers": {"progress": {"config": {}}}}
    if limit is not None:
        config["ops"] = {source.name: {"config": {"limit": limit}}}
    # Dagster has the partitions of its own clock; in a sandbox the platform's may be ahead.
    moment = max(settings().now(), datetime.now(UTC)) + A_SECOND
    with instance() as opened, dg.partition_loading_context(effective_dt=moment):
        job = graph.resolve_job_def(job_name(source))
        ran = execute_here(job, opened, tags=span(day), run_config=config)
    for reason in sentences(ran):
        click.secho(reason, fg="red", err=True)
    click.echo(str(_budget(source)))
    return 0 if ran.success else 1


def show_plan(name: str | None, limit: int | None, shown: int) -> None:
    """Show who would be asked about, what it may cost, and what is left of the month."""
    for source in _chosen(name):
        budget, companies = _budget(source), _candidates(source)
        asked_about = companies[: min(budget.companies_left, len(companies) if limit is None else limit)]
        most = budget.credits_each * len(asked_about)
        click.secho(f"{source.name}: {len(asked_about)} of {len(companies)} companies that lack facts", bold=True)
        click.echo(f"may cost {spend.as_text(most)} credits at most; {budget}")
        _print_companies(asked_about[:shown])


def _print_companies(companies: Sequence[Candidate]) -> None:
    rows = [(each.domain, each.name, f"{each.mrr:,.2f}", each.people, ", ".join(each.missing)) for each in companies]
    if rows:
        print_rows(Rows(("domain", "name", "mrr", "people", "lacks"), rows), "table")


def _candidates(source: Source) -> list[Candidate]:
    rules, config = policy(), settings()
    with closing(open_state(config.state_url)) as state, state.reading() as tx:
        without = spend.subjects_since(tx, source.name, config.now() - rules.enrichment.max_age)
    return candidates(the_lake(), rules, without)


def _budget(source: Source) -> Budget:
    config = settings()
    return budget_of(source.name, policy().enrichment, config.state_url, config.now())


def _chosen(name: str | None) -> list[Source]:
    """The providers that are meant and on; a sentence where there is none."""
    names = [source.name for source in ON_DEMAND]
    if name and name not in names:
        raise click.UsageError(f"{name} is no provider: choose one of {', '.join(names)}.")
    meant = [source for source in ON_DEMAND if name in (None, source.name)]
    on = [source for source in meant if not source.off()]
    if not on:
        raise click.ClickException("; ".join(str(source.off()) for source in meant))
    return on


# --- the ledger ------------------------------------------------------------------------------------------------------


def show_ledger(name: str | None) -> None:
    """Print each month of each provider, and what is not settled."""
    config, rules = settings(), policy().enrichment
    with closing(open_state(config.state_url)) as state, state.reading() as tx:
        months = [month for month in spend.months(tx) if name in (None, month.provider)]
        names = sorted({month.provider for month in months})
        open_calls = [call for provider in names for call in spend.unsettled(tx, provider)]
    rows = [
        (
            each.month,
            each.provider,
            each.subjects,
            spend.as_text(each.charged),
            spend.as_text(each.reserved),
            spend.as_text(rules.monthly_cap[each.provider]) if each.provider in rules.monthly_cap else "none",
        )
        for each in months
    ]
    if not rows:
        click.echo("Nothing was spent yet.")
        return
    print_rows(Rows(("month", "provider", "questions", "charged", "reserved", "cap now"), rows), "table")
    if open_calls:
        click.echo("\nBegun, and not settled; the credits stay reserved until the provider or a person settles them:")
        calls = [
            (
                each.id,
                each.provider,
                each.subject,
                spend.as_text(each.reserved),
                f"{each.begun_at:%Y-%m-%d %H:%M}",
                each.reference,
            )
            for each in open_calls
        ]
        print_rows(Rows(("number", "provider", "about", "credits", "begun", "reference"), calls), "table")


def show_accuracy_of_sources() -> None:
    """Print the newest day of market/provider_accuracy, those first that were right most often."""
    lake = the_lake()
    day = max(lake.partitions(ACCURACY), default=None)
    if day is None:
        click.echo("Nothing was compared yet: the tables of a day have to be made first.")
        return
    rows = lake.partition(ACCURACY, day).to_pyarrow().to_pylist()
    rows.sort(key=lambda row: (row["field"], -(row["share"] or 0), row["source"]))
    shown = [
        (row["field"], row["source"], row["answers"], row["compared"], row["right"], _percent(row["share"]))
        for row in rows
    ]
    print_rows(Rows(("field", "source", "answers", "compared", "right", "share"), shown), "table")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def settle_call(number: int, charged: Decimal | None, person: str) -> str:
    """Settle a call as a person says, and return what was done; an error where it is not open."""
    config = settings()
    now = config.now()
    with closing(open_state(config.state_url)) as state, state.writing() as tx:
        call = next(iter(spend.reservations(tx, [number])), None)
        if call is None or call.status not in spend.OPEN:
            raise click.ClickException(f"{number} is no call that waits to be settled: see gtm enrich spend.")
        if charged is None:
            spend.release(tx, [number], now, f"{person} says that nothing was charged.")
        else:
            spend.charge(tx, number, charged, now)
        detail = {"subject": call.subject, "charged": str(charged or 0)}
        audit.note(tx, now, person[:64], "credits.settle", f"{call.provider}:{number}", detail)
    outcome = "nothing" if charged is None else f"{spend.as_text(charged)} credits"
    return f"{call.provider}, {call.subject}: {outcome} charged."
