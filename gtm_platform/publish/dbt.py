"""What an analyst's dbt project starts on: its sources and a data dictionary, from the contracts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from gtm_platform.ingest.discovery import discover
from gtm_platform.lake.contracts import Contract, contract_of
from gtm_platform.policy.publish import PublishedSchema
from gtm_platform.publish.columns import DAY_COLUMN, PublishedColumn, TypeNames, published_columns, published_key
from gtm_platform.publish.publishing import table_name

HEAD = "# Written by `gtm publish dbt`, from the contracts of the tables: change those, and write it again.\n"
WARN_HOURS, FAIL_HOURS = 50, 74  # a day is stamped with its beginning, and is made until some hours after its end


def write(schemas: tuple[PublishedSchema, ...], folder: Path) -> list[Path]:
    """Write `sources.yml` and `dictionary.md` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    sources, words = folder / "sources.yml", folder / "dictionary.md"
    sources.write_text(sources_file(schemas))
    words.write_text(dictionary(schemas))
    return [sources, words]


def sources_file(schemas: tuple[PublishedSchema, ...]) -> str:
    """Return the text of `sources.yml`: a source for each schema."""
    content = {"version": 2, "sources": [_source(schema) for schema in schemas]}
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    return HEAD + text


def type_names(warehouse: str) -> TypeNames:
    """Return what a warehouse calls the types."""
    names: TypeNames = discover("gtm_platform.publish", "warehouse", "NAMES")[warehouse]
    return names


def _source(schema: PublishedSchema) -> dict[str, Any]:
    names = type_names(schema.warehouse)
    return {
        "name": schema.name,
        "schema": schema.name,
        "description": "Tables of the go-to-market platform, a day at a time.",
        "config": {
            "loaded_at_field": f"cast({DAY_COLUMN} as timestamp)",
            "freshness": {
                "warn_after": {"count": WARN_HOURS, "period": "hour"},
                "error_after": {"count": FAIL_HOURS, "period": "hour"},
            },
        },
        "tables": [_table(schema, table, names) for table in schema.tables],
    }


def _table(schema: PublishedSchema, table: str, names: TypeNames) -> dict[str, Any]:
    contract = contract_of(table)
    columns = published_columns(table, contract, schema)
    return {
        "name": table_name(table),
        "description": contract.about,
        "config": {"meta": {"table": table, "key": list(published_key(contract, columns))}},
        "columns": [_column(column, names) for column in columns],
    }


def _column(column: PublishedColumn, names: TypeNames) -> dict[str, Any]:
    described: dict[str, Any] = {"name": column.name, "description": column.about, "data_type": names.of(column.kind)}
    if column.is_promised:
        described["data_tests"] = ["not_null"]
    if column.is_personal:
        described["config"] = {"meta": {"personal": True}, "tags": ["personal"]}
    return described


def dictionary(schemas: tuple[PublishedSchema, ...]) -> str:
    """Return the text of `dictionary.md`: tables, columns, and what is left out as it is personal."""
    return "\n".join(["# Data dictionary", *(line for schema in schemas for line in _chapter(schema))]) + "\n"


def _chapter(schema: PublishedSchema) -> Iterator[str]:
    names = type_names(schema.warehouse)
    for table in schema.tables:
        contract = contract_of(table)
        columns = published_columns(table, contract, schema)
        key = published_key(contract, columns)
        yield f"\n## {schema.name}.{table_name(table)}\n"
        yield f"{contract.about}\n"
        yield f"One row for each {', '.join(key)}. Made as `{table}`.\n" if key else f"Made as `{table}`.\n"
        yield "| column | type | null | meaning |\n|---|---|---|---|"
        for column in columns:
            yield f"| {column.name} | {names.of(column.kind)} | {_null(column)} | {_meaning(column)} |"
        if left_out := _left_out(contract, columns):
            yield f"\nPersonal, and not published: {left_out}."


def _null(column: PublishedColumn) -> str:
    return "never" if column.is_promised else "yes"


def _meaning(column: PublishedColumn) -> str:
    about = " ".join(column.about.replace("|", "\\|").split())
    return f"{about} Personal." if column.is_personal else about


def _left_out(contract: Contract, columns: tuple[PublishedColumn, ...]) -> str:
    published = {column.name for column in columns}
    return ", ".join(name for name, column in contract.columns.items() if column.personal and name not in published)
