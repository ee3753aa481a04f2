"""The pages that are written from declarations: each source, each rule, each table, the API and the commands.

They are made when the site is built and committed nowhere, so that they cannot be out of date.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from gtm_platform.cli import gtm
from gtm_platform.definitions import defs
from gtm_platform.delivery.alerts.runbooks import page_of_check
from gtm_platform.ingest.discovery import discover_sources
from gtm_platform.ingest.hooks.hook import Hook, discover_hooks
from gtm_platform.ingest.source import FileDrop, OnDemand, Pushed, Source, Stream, Totals
from gtm_platform.lake.catalogue import views_of
from gtm_platform.lake.contracts import TABLES, Column, Contract

DOCS = Path(__file__).parents[1]
POLICY = DOCS.parent / "gtm_platform" / "policy" / "policy.toml"
QUARANTINE = "quarantine"
MODES = {
    "incremental": "what changed, and everything once a week",
    "append_only": "everything at first, then what is new",
    "full_refresh": "everything each time",
}

Nav = dict[str, list[Any]]


def generated() -> dict[str, str]:
    """Return the text of each generated page, by its path in the site."""
    return {**_source_pages(), **_rule_pages(), **_table_pages(), **_reference_pages()}


def navigation() -> Nav:
    """Return the entries of the generated pages, and those of the runbooks, by their section of the navigation."""
    reference = ["reference/cli.md", "reference/rest.md", "reference/checks.md"]
    return {
        "Runbooks": [
            "runbooks/index.md",
            {"Alerts": _runbooks(".")},
            {"Checks": _runbooks("checks")},
            {"Failures": _runbooks("failures")},
        ],
        "Sources": sorted(_source_pages()),
        "Rules": list(_rule_pages()),
        "Data": list(_table_pages()),
        "Reference": reference,
    }


def _runbooks(folder: str) -> list[str]:
    found = sorted((DOCS / "runbooks" / folder).glob("*.md"))
    return [path.relative_to(DOCS).as_posix() for path in found if path.name != "index.md"]


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Write a table; what stands in a cell is text of one line."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


# --- sources


def _source_pages() -> dict[str, str]:
    hooks: dict[str, list[Hook]] = {}
    for hook in discover_hooks():
        hooks.setdefault(hook.source, []).append(hook)
    return {f"sources/{source.name}.md": _source(source, hooks.get(source.name, [])) for source in discover_sources()}


def _source(source: Source, hooks: list[Hook]) -> str:
    kind = source.settings
    parts = [
        f"# {kind.title}",
        source.about,
        f"It is read {_when(source)}. Who is asked about it: {', '.join(source.owners)}.",
        "## What it is read with",
        f"Where to get the key: {kind.where}.\n\nThe least it needs: {kind.permissions}.",
        _variables(source),
        f"When the key is refused: {kind.when_refused}",
        "```\ngtm doctor\n```",
    ]
    if hooks:
        rows = [(f"`{hook.path}`", f"`{hook.secret}`", hook.setup, hook.topics) for hook in hooks]
        parts += ["## Its webhooks", _table(("address", "secret", "where it is set up", "what to choose"), rows)]
        parts += ["None is needed: [webhooks](../webhooks.md) says what they are for."]
    parts += ["## What it brings", _streams(source)]
    parts += [f"Bad records are kept in `{QUARANTINE}.{source.name}_…` with their reason."]
    return "\n\n".join(part for part in parts if part) + "\n"


def _when(source: Source) -> str:
    trigger = source.trigger
    if isinstance(trigger, FileDrop):
        return "when a file is dropped, and each night"
    if isinstance(trigger, Pushed):
        return "when webhooks have come, and each night"
    if isinstance(trigger, OnDemand):
        return "when a person asks for it, as every answer costs money"
    return f"every {trigger.hours} hours, {trigger.minute} minutes past the hour (UTC)"


def _variables(source: Source) -> str:
    required = source.required_env
    rows = [
        (f"`{name.upper()}`", "yes" if name.upper() in required else "", field.description or "")
        for name, field in source.settings.model_fields.items()
    ]
    return _table(("variable", "required", "meaning"), rows) if rows else ""


def _streams(source: Source) -> str:
    return "\n\n".join(_stream(source, stream) for stream in source.streams)


def _stream(source: Source, stream: Stream) -> str:
    table = source.table(stream)
    about = TABLES[table].about
    totals = stream.totals.how if isinstance(stream.totals, Totals) else stream.totals
    rows = [
        ("read", MODES[stream.sync_mode]),
        ("key", ", ".join(f"`{name}`" for name in stream.key)),
        ("told apart by", f"`{stream.cursor_field}`" if stream.cursor_field else "nothing: it is whole each time"),
        ("asked again", f"{stream.lookback.total_seconds() / 60:g} minutes back" if stream.cursor_field else "no"),
        ("proof that nothing is missing", totals),
        ("columns", f"[{len(TABLES[table].columns)}](../data/{source.name}.md#{_anchor(table)})"),
    ]
    return f"### {stream.name}\n\n{about}\n\n{_table(('', ''), rows)}\n\n{_query(table)}"


def _query(table: str) -> str:
    view = views_of(table)[-1].replace('"', "")
    return f'```\ngtm query "select * from {view} limit 20"\n```'


# --- rules


def _rule_pages() -> dict[str, str]:
    """Return a page for each section of the policy, with the comments that explain it."""
    sections: dict[str, list[str]] = {}
    for heading, block in _policy_blocks():
        sections.setdefault(heading.split(".")[0], []).append(f"## {heading}\n\n```toml\n{block}\n```")
    return {
        f"rules/{name}.md": "\n\n".join([f"# {name}", _about_rules(name), *blocks]) + "\n"
        for name, blocks in sections.items()
    }


def _about_rules(name: str) -> str:
    return (
        "As the packaged policy has them. Change a copy of `gtm_platform/policy/policy.toml`, set `GTM_POLICY` to it, "
        f"and check it before it is used:\n\n```\ngtm policy check policy.toml\n```\n\nThe section `{name}`:"
    )


def _policy_blocks() -> Iterator[tuple[str, str]]:
    """Yield each table of the policy with its heading; a comment above a heading belongs to it."""
    heading, block, above = "", list[str](), list[str]()
    seen: dict[str, int] = {}
    for line in [*POLICY.read_text().splitlines(), "[]"]:
        if line.startswith("["):
            if heading:
                yield _numbered(heading, seen), "\n".join(block).strip()
            heading, block, above = line.strip("[]"), [*above, line], []
        elif line.startswith("#") or not line.strip():
            above.append(line)
        else:
            block += [*above, line]
            above = []


def _numbered(heading: str, seen: dict[str, int]) -> str:
    seen[heading] = seen.get(heading, 0) + 1
    return heading if seen[heading] == 1 else f"{heading} ({seen[heading]})"


# --- tables


def _table_pages() -> dict[str, str]:
    """Return a page for each schema of the lake, with what each table and column means."""
    schemas: dict[str, list[str]] = {}
    for table in sorted(TABLES):
        schema = table.split("/")[0]
        if schema != QUARANTINE:
            schemas.setdefault(schema, []).append(table)
    rows = [
        (f"[{schema}]({schema}.md)", str(len(tables)), _first_sentence(TABLES[tables[0]].about))
        for schema, tables in schemas.items()
    ]
    index = f"# The tables\n\n{ABOUT_TABLES}\n\n{_table(('schema', 'tables', 'the first of them'), rows)}\n"
    pages = {f"data/{schema}.md": _schema(schema, tables) for schema, tables in schemas.items()}
    return {"data/index.md": index, **pages}


ABOUT_TABLES = (
    "Written from the contracts that every file is checked against before it counts. Begin with "
    "[core.unified_customers](core.md#coreunified_customers).\n\n"
    "```\ngtm query\ngtm query --describe core.unified_customers\n```\n\n"
    f"Each table of a source has one in `{QUARANTINE}` beside it, with the records that are not what they should be, "
    "as they were received, and the reason."
)


def _schema(schema: str, tables: list[str]) -> str:
    return "\n\n".join([f"# {schema}", *(_described(table, TABLES[table]) for table in tables)]) + "\n"


def _described(table: str, contract: Contract) -> str:
    rows = [(f"`{name}`", f"`{column.type}`", _meaning(column)) for name, column in contract.columns.items()]
    key = ", ".join(f"`{name}`" for name in contract.key)
    cadence = f"A partition every {contract.cadence} hours." if contract.cadence else "A partition a day."
    if contract.made_with:
        cadence += f" Written along with `{contract.made_with}`."
    columns = _table(("column", "type", "meaning"), rows)
    return f"## {table}\n\n{contract.about}\n\nKey: {key}. {cadence}\n\n{_query(table)}\n\n{columns}"


def _meaning(column: Column) -> str:
    notes = [note for note, holds in (("personal", column.personal), ("never null", not column.nullable)) if holds]
    return " ".join([" ".join(column.about.split()), f"*({', '.join(notes)})*" if notes else ""]).strip()


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).partition(". ")[0].rstrip(".")


def _anchor(table: str) -> str:
    return table.replace("/", "").lower()


# --- API, commands, checks


def _reference_pages() -> dict[str, str]:
    return {"reference/cli.md": _commands(), "reference/rest.md": _api(), "reference/checks.md": _checks()}


def _commands() -> str:
    parts = ["# Commands", "As each prints them with `--help`."]
    return (
        "\n\n".join([*parts, *(f"## gtm {' '.join(path)}\n\n{_help(path, each)}" for path, each in commands())]) + "\n"
    )


def commands(group: click.Group = gtm, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield each command and group with what is typed for it."""
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def _help(path: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(command, info_name=" ".join(("gtm", *path)))
    return f"```text\n{command.get_help(context)}\n```"


def _api() -> str:
    description = json.loads((DOCS / "openapi.json").read_text())
    parts = ["# REST API", description["info"]["description"]]
    parts += ["[How to use it](../api.md). The same for programs: [openapi.json](../openapi.json)."]
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            parts.append(_operation(method, path, operation, description))
    return "\n\n".join(parts) + "\n"


def _operation(method: str, path: str, operation: Mapping[str, Any], description: Mapping[str, Any]) -> str:
    parts = [f"## {method.upper()} {path}", f"**{operation['summary']}.** {operation.get('description', '')}"]
    rows = [
        (f"`{each['name']}`", each["in"], " ".join(each.get("description", "").split()))
        for each in operation.get("parameters", [])
    ]
    if rows:
        parts.append(_table(("parameter", "in", "meaning"), rows))
    if fields := _fields(operation, description):
        parts.append(_table(("field of the answer", "meaning"), fields))
    return "\n\n".join(parts)


def _fields(operation: Mapping[str, Any], description: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the fields of the first answer that is no error."""
    answer = next(each for status, each in operation["responses"].items() if status.startswith("2"))
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    properties = description["components"]["schemas"].get(name, {}).get("properties", {})
    return [(f"`{field}`", " ".join(each.get("description", "").split())) for field, each in properties.items()]


def _checks() -> str:
    """Return each check with what it asserts, the tables it is of, and its runbook."""
    graph = defs.resolve_asset_graph()
    of: dict[str, list[str]] = {}
    about: dict[str, str] = {}
    for key in graph.asset_check_keys:
        of.setdefault(key.name, []).append(key.asset_key.to_user_string())
        about.setdefault(key.name, graph.get(key).description or "")
    rows = [
        (f"[{name}](../runbooks/{page}.md)" if (page := page_of_check(name)) else name, about[name], _of(of[name]))
        for name in sorted(of)
    ]
    return f"# Checks\n\nEach with its runbook.\n\n{_table(('check', 'what it asserts', 'of'), rows)}\n"


def _of(tables: list[str]) -> str:
    shown = ", ".join(f"`{table}`" for table in sorted(tables)[:3])
    return f"{shown} and {len(tables) - 3} more" if len(tables) > 3 else shown
