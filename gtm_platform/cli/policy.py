"""`gtm policy …`: looks at a policy file before it is used. What is looked for stands in `health.policy_check`."""

import sys
from pathlib import Path

import click


@click.group()
def policy() -> None:
    """Look at business rules before they are used.

    \b
    Example:
      gtm policy check stricter.toml
    """


@policy.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Find what is wrong with the rules of FILE.

    Looked for are contradictions, rules that never fire or always do, statuses that nobody can reach, and worse
    customers who score higher, each with an example. It ends with 1 where the rules should not be used as they are.

    \b
    Example:
      gtm policy check stricter.toml
    """
    from gtm_platform.health.policy_check import check as find
    from gtm_platform.policy import read

    findings = find(read(file.read_text(), str(file)))
    for finding in findings:
        click.secho(f"{finding.kind.replace('_', ' ')}: {finding.key}", fg="red" if finding.is_error else "yellow")
        click.echo(f"  {finding.about}")
        if finding.example:
            click.echo(f"  Example: {finding.example}.")
    errors = sum(finding.is_error for finding in findings)
    click.echo(f"{errors} errors, {len(findings) - errors} warnings in {file}.")
    sys.exit(1 if errors else 0)
