"""The steps of `gtm init`: ask, check, estimate, keep, read, show. Nothing is written outside."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from gtm_platform.cli.doctor import Finding, show_finding, source_finding
from gtm_platform.cli.homes import REAL_HOME
from gtm_platform.cli.printing import Rows, print_table
from gtm_platform.http.errors import ApiFailure
from gtm_platform.http.rate_limit import LimitShare
from gtm_platform.ingest.credits import CreditAllowance
from gtm_platform.ingest.discovery import discover
from gtm_platform.ingest.first_sync import SourceEstimate, estimate
from gtm_platform.ingest.source import Source
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.policy import policy
from gtm_platform.serving.store import CustomerQuery, NoSnapshot, Page, the_store
from gtm_platform.settings import SettingsError, SystemSettings, settings, settings_of
from gtm_platform.sources.assets import SCHEDULED

AT_ONCE = 25  # systems; each is asked for little, and some take their time
LISTED = 10  # who are at risk
AT_RISK = ("at_risk", "high_risk", "critical")
COLUMNS = {  # of the list, as they are headed there
    "name": "customer",
    "company_name": "company",
    "health_score": "health",
    "churn_risk": "churn risk",
    "mrr_reporting": "MRR in {currency}",
    "risk_signals": "why",
}
NEVER = "last sync: never"  # what `gtm doctor` says of a source, and nobody who begins wonders about
OWNER_ONLY = 0o600
MINUTE, HOUR = 60, 3600


@dataclass(frozen=True)
class Wish:
    """What is wanted of `gtm init`."""

    home: Path
    env_file: Path
    systems: tuple[str, ...]
    asks: bool
    reads: bool
    minutes: int  # of reading, before the list is made


def initialise(wish: Wish) -> int:
    """Go from keys to the first list; return the exit code."""
    if loud := _switches_on():
        raise ValueError(f"gtm init writes nothing outside, and {' and '.join(loud)} would let it: unset that first.")
    if wish.asks:
        _ask(wish)
    chosen = [source for source in SCHEDULED if source.required_env and not source.off()]
    if not chosen:
        raise ValueError("No system has a key. Set one in the environment, or let gtm init ask for it: without --yes.")
    findings = _check(chosen)
    working = [source for source, finding in zip(chosen, findings, strict=True) if finding.state == "ok"]
    failed = any(finding.state == "failing" for finding in findings)
    leaves = _say_how_long(working, wish.minutes)
    _keep(wish.env_file, {})
    _say_what_is_written(wish)
    if not working:
        return 1
    if not wish.reads or (wish.asks and not click.confirm("Read them now?", default=True)):
        click.echo(f"Nothing was read. `gtm run --due{_option(wish.home)}` begins with it.")
        return int(failed)
    return max(int(failed), _read(wish, leaves))


def _option(home: Path) -> str:
    """What a command needs so that it opens this home, too: nothing for the one that it opens by itself."""
    return "" if home == REAL_HOME.resolve() else f" --home {home}"


# --- asking ----------------------------------------------------------------------------------------------------------


def _ask(wish: Wish) -> None:
    """Ask which systems there are, and for what each lacks; what one accepts is kept before the next is asked about."""
    askable = {source.name: source for source in SCHEDULED if source.required_env}
    names = wish.systems or _chosen_names(askable)
    if unknown := set(names) - set(askable):
        raise ValueError(f"There is no system {min(unknown)!r} that has a key. There are {', '.join(askable)}.")
    for source in (askable[name] for name in names):
        if entered := _ask_for(source):
            _keep(wish.env_file, entered)
            click.echo(f"  accepted, and kept in {wish.env_file}: {', '.join(entered)}")


def _chosen_names(askable: Mapping[str, Source]) -> list[str]:
    for name, source in askable.items():
        state = "has a key" if not source.off() else ""
        click.echo(f"  {name:<18} {source.settings.title:<24} {state}")
    text = click.prompt("Which do you have? Names, separated by commas", default="", show_default=False)
    return [name.strip() for name in text.split(",") if name.strip()]


def _ask_for(source: Source) -> dict[str, str]:
    """Ask for the variables of a source until the system accepts them; none where nobody wants to go on."""
    kind, entered = source.settings, dict[str, str]()
    click.secho(f"\n{kind.title}", bold=True)
    click.echo(f"  get it at: {kind.where}\n  it needs:  {kind.permissions.replace('`', '')}")
    again: Sequence[str] = settings_of(kind).missing()
    while True:
        for variable in again:
            entered[variable] = click.prompt(f"  {variable}", hide_input=_is_secret(kind, variable), err=True)
        _set(entered)
        finding = source_finding(source, the_lake(), settings().now())
        if finding.state != "failing":
            return entered
        show_finding(finding)
        if not click.confirm("  Enter it again?", default=True):
            _unset(entered)
            return {}
        again = source.required_env


def _is_secret(kind: type[SystemSettings], variable: str) -> bool:
    return "Secret" in str(kind.model_fields[variable.lower()].annotation)


def _set(variables: Mapping[str, str]) -> None:
    os.environ.update(variables)
    settings.cache_clear()


def _unset(variables: Mapping[str, str]) -> None:
    for name in variables:
        os.environ.pop(name, None)
    settings.cache_clear()


# --- checking --------------------------------------------------------------------------------------------------------


def _check(sources: Sequence[Source]) -> list[Finding]:
    """Show what each key opens and what it may do, as `gtm doctor` does."""
    lake, now, findings = the_lake(), settings().now(), []
    click.secho("\nWhat the keys open", bold=True)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for finding in threads.map(lambda source: source_finding(source, lake, now), sources):
            show_finding(replace(finding, details=[each for each in finding.details if not each.startswith(NEVER)]))
            findings.append(finding)
    return findings


# --- estimating ------------------------------------------------------------------------------------------------------


def _say_how_long(sources: Sequence[Source], minutes: int) -> dict[str, str]:
    """Say how much there is to read, and about how long that takes; return what takes too long for the first list."""
    click.secho("\nHow much there is to read", bold=True)
    free = [source for source in sources if source.name not in policy().enrichment.monthly_cap]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        estimates = [each for each in threads.map(_estimated, free) if each]
    rows = [(each.source, _records(each), _time(each), _uncounted(each)) for each in estimates]
    if rows:
        print_table(Rows(["system", "records", "takes about", "not counted, and how many come in a minute"], rows))
    longest, more = max((each.seconds for each in estimates), default=0.0), any(each.uncounted for each in estimates)
    besides = ", and what it takes to read what no system counts" if more else ""
    click.echo(f"The first sync takes about {_duration(longest)}{besides}. Later ones read only what changed.")
    click.echo(f"They are read side by side; the first list is made of what {minutes} minutes bring.")
    slow = [each for each in estimates if each.seconds_at_limit > minutes * MINUTE]  # a page is slow by chance
    return {f"sync_{each.source}": f"its limit makes it last {_duration(each.seconds_at_limit)}" for each in slow}


def _records(of: SourceEstimate) -> str:
    return f"{of.records:,}" if not of.uncounted else f"over {of.records:,}" if of.records else "not counted"


def _time(of: SourceEstimate) -> str:
    return _duration(of.seconds) if of.records or not of.uncounted else "unknown"


def _uncounted(of: SourceEstimate) -> str:
    """Name what nobody can count, with how fast it comes where a page was read."""
    paces = of.uncounted.items()
    return ", ".join(f"{name} ({pace:,.0f} a minute)" if pace else name for name, pace in paces)


def _estimated(source: Source) -> SourceEstimate | None:
    """Estimate a source; None where it does not answer now, which its check has said."""
    share = LimitShare(policy().limits.share_of(source.name))
    try:
        with source.open(share, CreditAllowance(None, "init")) as client:
            return estimate(source, client, share, settings().now())
    except (ApiFailure, SettingsError):
        return None


def _duration(seconds: float) -> str:
    if seconds < MINUTE:
        return "a minute"
    return f"{seconds / MINUTE:.0f} minutes" if seconds < HOUR * 2 else f"{seconds / HOUR:.0f} hours"


# --- what is written -------------------------------------------------------------------------------------------------


def _destinations() -> Iterator[tuple[type[SystemSettings], str]]:
    """Yield each switch that lets something be written outside."""
    for kind in discover("gtm_platform.delivery", "settings", "SETTINGS").values():
        for name, declared in kind.model_fields.items():
            if declared.annotation is bool:
                yield kind, name.upper()


def _switches_on() -> list[str]:
    return sorted({name for kind, name in _destinations() if getattr(settings_of(kind), name.lower())})


def _say_what_is_written(wish: Wish) -> None:
    click.secho("\nWhat is written", bold=True)
    click.echo(f"  Into {wish.home}: tables, the state, Dagster's history.")
    keys = "the keys that you entered" if wish.asks else "no key, as they stay in the environment"
    click.echo(f"  Into {wish.env_file}: {keys}; and the switches below, off.")
    for kind, switch in _destinations():
        click.echo(f"  {kind.title:<18} nothing: it only shows what it would do, until {switch}=true")


def _keep(path: Path, entered: Mapping[str, str]) -> None:
    """Add what was entered to the file, and the switches, off; what stands there otherwise stays."""
    switches = {switch: "false" for _, switch in _destinations()}
    before = path.read_text() if path.exists() else ""
    names = {line.partition("=")[0].strip() for line in before.splitlines() if not line.lstrip().startswith("#")}
    kept = [line for line in before.splitlines() if line.partition("=")[0].strip() not in entered]
    new = {**{name: value for name, value in switches.items() if name not in names}, **entered}
    added = [f"{name}={value}" for name, value in new.items()]
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
    with open(descriptor, "w") as file:
        file.write("\n".join([*kept, *added]) + "\n")
    draft.replace(path)


# --- reading and showing ---------------------------------------------------------------------------------------------


def _read(wish: Wish, leaves: Mapping[str, str]) -> int:
    """Read the systems, make the tables, and list who is at risk; what takes too long is left, and named."""
    from gtm_platform.automation.due_run import Bounds
    from gtm_platform.automation.step_run import LEFT
    from gtm_platform.cli.due import run_within

    click.secho("\nReading", bold=True)
    patience = timedelta(minutes=wish.minutes)
    bounds = Bounds(None, lambda: datetime.now(UTC), patience, ends_slow=True, leaves=leaves)
    done = run_within(bounds)
    if isinstance(done, int):
        return done
    code = int(done.failed)
    try:
        page = the_store().current().customers(CustomerQuery({"health": AT_RISK}, sort="-mrr", limit=LISTED))
    except NoSnapshot as empty:
        click.secho(str(empty), fg="yellow", err=True)
        return code or 1
    _list(page)
    option = _option(wish.home)
    if left := {each.name.removeprefix("sync_"): each.reason for each in done.of(LEFT)}:
        listed = ", ".join(f"{name} ({reason})" for name, reason in left.items())
        click.secho(f"Not read yet: {listed}. The scores know nothing of what they tell.", fg="yellow")
        click.echo(f"`gtm run --due{option}` reads them, however long that takes, and makes the tables meanwhile.")
    click.echo(f"`gtm ui{option}` shows the rest: who, why, and what to do.")
    click.echo(f"`gtm run --due{option}` keeps it up to date from cron, with the same keys.")
    return code


def _list(page: Page) -> None:
    """Print who is at risk, those first who pay most."""
    first = f"; the {LISTED} with the most MRR" if page.total > LISTED else ""
    click.secho(f"\nAt risk: {page.total:,} customers{first}", bold=True)
    headings = [heading.format(currency=policy().money.reporting_currency.upper()) for heading in COLUMNS.values()]
    values = [tuple(_cell(row.get(name)) for name in COLUMNS) for row in page.rows(personal=True)]
    if values:
        print_table(Rows(headings, values))


def _cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
