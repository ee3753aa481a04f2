"""`gtm key rotate`: a rotation with its progress, and what may be done after it."""

import click

from gtm_platform.keyring import PLAIN, KeyProblem, keyring
from gtm_platform.lake.lake import GRACE
from gtm_platform.privacy.at_rest import Rotation
from gtm_platform.settings import settings


def rotate_home(*, at_once: bool) -> None:
    """Rotate the home to the first key of GTM_KEYS, and say what is left to do."""
    ring = keyring()
    if not ring.first:
        raise KeyProblem("GTM_KEYS is not set, so there is nothing to rotate to. `gtm key new k1` makes a key.")
    rotation, files = Rotation(settings().home, at_once=at_once), 0
    with click.progressbar(length=0, label="Files", show_pos=True) as bar:
        for progress in rotation.run():
            bar.length, files = progress.of, files + 1
            bar.update(1)
    rotated = rotation.finish()
    goal = "plain" if ring.first == PLAIN else f"under {ring.first}"
    click.echo(
        f"{files:,} files of the lake and {rotated.rewritten:,} others were written anew; what is written from now on "
        f"is {goal}."
    )
    for sentence in rotated.waiting:
        click.echo(sentence)
    if rotated.left:
        hours = f"in {GRACE / 3600:.0f} hours, or with --at-once where nothing else runs"
        click.echo(
            f"{rotated.left:,} older files may still be read. Call this again {hours}; keep all keys until then."
        )
    elif rotated.droppable:
        click.echo(f"Nothing is encrypted with {', '.join(rotated.droppable)} any more: take it out of GTM_KEYS.")
        click.echo("Backups from before still need it.")
    else:
        click.echo("Everything that is encrypted is under it.")
