"""`gtm backup` and `gtm restore`: a home copied while it runs, and put back so that it answers at once."""

from contextlib import closing
from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home
from gtm_platform.cli.options import HOME

TARGET = click.Path(path_type=Path)


@click.command()
@HOME
@click.option("--to", "target", type=TARGET, required=True, help="A folder, or a file that ends with .tar or .tar.gz.")
@click.option("--link", is_flag=True, help="Give files of the lake another name instead of a copy: quick, same disk.")
@click.option("--without-history", is_flag=True, help="Leave out Dagster's history: runs, ticks, materialisations.")
@click.option("--force", is_flag=True, help="Also where the lake has lost most of its files since the backup before.")
def backup(home: Path | None, target: Path, link: bool, without_history: bool, force: bool) -> None:
    """Copy the home, also while it runs: state, lake, history, dropped files, reports.

    Each database is copied as it is at one moment; files of the lake never change. Into a folder only what is new is
    copied, and the backup before stays whole until the new one is. What can be made again (views, caches) stays out,
    and so do the keys of the environment: keep TRIGGER_KEY and GTM_ENCRYPTION_KEY with it.

    \b
    Example:
      gtm backup --to /backups/gtm
      gtm backup --to /backups/gtm-2026-11-30.tar.gz
    """
    chosen = choose_home(home).announce().enter()
    from gtm_platform.backups.making import Backup, make
    from gtm_platform.settings import settings

    is_here = settings().gtm_state_url is None
    copied = Backup(chosen.path, settings().now(), is_here, not without_history, link)
    made = make(copied, target, force=force)
    click.echo(f"{target}: {made}")
    if lake := settings().gtm_lake:
        click.secho(
            f"The lake lies in {lake} and is not in it: docs/bucket.md says how to keep it.", fg="yellow", err=True
        )
    if not is_here:
        click.secho("The state lies in Postgres and is not in it: back that up with pg_dump.", fg="yellow", err=True)


@click.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), required=True, help="Where it is put.")
def restore(source: Path, home: Path) -> None:
    """Put a backup, SOURCE, into a home that is empty or not there; it answers at once.

    Every file is compared with what was backed up; nothing is there until all is. What was written outside
    since is not in its journal: deliveries read before they write, so nothing is written twice, and the comparison
    mends the rest within a day.

    SOURCE may also be a copy of the state that was kept before an update (state-copies in the home): then that one
    takes the place of the home's state, to go back to the version before. Nothing may run over the home meanwhile.

    \b
    Example:
      gtm restore /backups/gtm --home .gtm
      gtm restore .gtm/state-copies/state.0014.db --home .gtm
    """
    chosen = choose_home(home).enter()
    from gtm_platform.backups import restoring
    from gtm_platform.settings import settings

    if source.suffix == ".db":
        version, aside = restoring.restore_state(source, chosen.path, settings().now())
        click.echo(f"The state is that of schema {version} again; that of before lies in {aside}.")
        click.echo("Start the version of the platform that it belongs to: this one would bring it up to date again.")
        return
    manifest = restoring.restore(source, chosen.path)
    click.echo(f"{chosen.path}: {len(manifest.files):,} files, as of {manifest.made_at[:16]} UTC")
    _make_ready(has_state=manifest.state_version is not None)
    click.echo("It answers. `gtm doctor` says what is stale; `gtm run --due` brings it up to date.")


def _make_ready(*, has_state: bool) -> None:
    """Bring the state up to date, make the views, and end runs that were under way when it was copied."""
    import gtm_platform.definitions  # noqa: F401  declares the tables
    from gtm_platform.lake import catalogue
    from gtm_platform.lake.dagster.resource import the_lake
    from gtm_platform.orchestration.instance import instance
    from gtm_platform.orchestration.liveness import end_interrupted
    from gtm_platform.settings import settings
    from gtm_platform.state import leases, open_state, run_beats

    if has_state:
        with closing(open_state(settings().state_url)) as state, state.writing() as tx:
            leases.free_all(tx)
            run_beats.forget_all(tx)
    catalogue.renew(the_lake())
    with instance() as dagster:
        ended = end_interrupted(dagster)
    if ended:
        click.echo(f"{len(ended)} runs were under way when it was copied; they count as failed.")
