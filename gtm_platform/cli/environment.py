"""`.env.example` and the tables of systems and of webhooks, written from what is declared.

`python -m gtm_platform.cli.environment` (or `make env-example`) writes them anew; a test compares.
"""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings

from gtm_platform.ingest.discovery import discover, discover_sources
from gtm_platform.ingest.hooks.hook import Hook, discover_hooks
from gtm_platform.publish.warehouse import warehouses
from gtm_platform.settings import Settings, SystemSettings

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- systems -->", "<!-- /systems -->"
FIRST_HOOK, LAST_HOOK = "<!-- hooks -->", "<!-- /hooks -->"
HEAD = """\
# Every variable that the platform reads, written by `make env-example`. Copy it to .env and fill in what you have: a
# source without its key is off, says so, and breaks nothing. What is empty counts as not set; of what is separated by
# commas it means none. Keys live here and nowhere else.
"""


def system_settings() -> tuple[type[SystemSettings], ...]:
    """Return the settings of every source, then those of every destination and warehouse."""
    destinations = discover("gtm_platform.delivery", "settings", "SETTINGS")
    return (*(source.settings for source in discover_sources()), *destinations.values(), *warehouses().values())


def env_example() -> str:
    """Write `.env.example`: a section for the platform and for each system, a line for each variable."""
    sections = [HEAD, *_section("the platform", Settings, set())]
    listed = {name.upper() for name in Settings.model_fields}
    for kind in system_settings():
        title = f"{kind.title} ({kind.where})" if kind.where else kind.title
        sections += _section(title, kind, listed)
        listed |= {name.upper() for name in kind.model_fields}
    return "\n".join(sections)


def _section(title: str, kind: type[BaseSettings], listed: set[str]) -> Iterator[str]:
    """Without the variables that another system of the same account has listed before."""
    yield f"# --- {title} ".ljust(119, "-")
    if issubclass(kind, SystemSettings):
        yield f"# {kind.permissions.replace('`', '')}"
    required = kind.required_env if issubclass(kind, SystemSettings) else ()
    for name, field in kind.model_fields.items():
        if name.upper() not in listed:
            # On a line of its own: what stands behind an empty value is taken for it by some that read such files.
            yield f"# {field.description}"
            yield f"{'' if name.upper() in required else '#'}{name.upper()}={_default(field.default)}"
    yield ""


def _default(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value.value if isinstance(value, Enum) else value)


def systems_table() -> str:
    """Write the table of systems: what each needs, where to get it, what it must allow."""
    rows = ["| system | variables | where to get them | least they need |", "|---|---|---|---|"]
    for kind in system_settings():
        variables = ", ".join(f"`{name}`" for name in kind.required_env) or "none"
        rows.append(f"| {kind.title} | {variables} | {kind.where} | {kind.permissions} |")
    return "\n".join(rows)


def connecting_page(text: str) -> str:
    """Put the table between its marks in the text of docs/connecting.md."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{systems_table()}\n{END}{after}"


def hooks_table() -> str:
    """Write the table of webhooks: address, secret, where it is registered, how it repeats."""
    rows = ["| system | address | variable | where | repeats |", "|---|---|---|---|---|"]
    return "\n".join([*rows, *(_hook_row(hook) for hook in discover_hooks())])


def _hook_row(hook: Hook) -> str:
    return f"| {hook.title} | `{hook.path}` | `{hook.secret}` | {hook.setup} | {hook.repeats} |"


def webhooks_page(text: str) -> str:
    """Put the rows between their marks in the text of docs/webhooks.md."""
    before, _, rest = text.partition(FIRST_HOOK)
    _, _, after = rest.partition(LAST_HOOK)
    return f"{before}{FIRST_HOOK}\n{hooks_table()}\n{LAST_HOOK}{after}"


def main() -> None:
    """Write the files."""
    (ROOT / ".env.example").write_text(env_example())
    for name, renew in (("connecting.md", connecting_page), ("webhooks.md", webhooks_page)):
        page = ROOT / "docs" / name
        page.write_text(renew(page.read_text()))


if __name__ == "__main__":
    main()
