"""Which tables are copied into a warehouse, for analysts: nothing, unless it stands here."""

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gtm_platform.policy.rules import Days, Rules

Table = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(/[a-z][a-z0-9_]*)+$")]
PersonalColumn = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_/]*/[a-z][a-z0-9_]*\.([a-z_][a-z0-9_]*|\*)$")]


class PublishedSchema(Rules):
    """The tables of one schema of a warehouse; its asset is `publish/<schema>`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=48)]
    warehouse: Literal["postgres", "snowflake", "bigquery", "redshift"]
    tables: Annotated[tuple[Table, ...], Field(min_length=1)]
    personal: tuple[PersonalColumn, ...] = ()
    back_days: Days = 30

    @model_validator(mode="after")
    def _tables_differ_by_their_last_part(self) -> "PublishedSchema":
        names = Counter(table.rpartition("/")[2] for table in self.tables)
        if repeated := [name for name, count in names.items() if count > 1]:
            raise ValueError(f"two tables of {self.name} would be called {repeated[0]}; put one into another schema")
        if strangers := {column.partition(".")[0] for column in self.personal} - set(self.tables):
            raise ValueError(f"personal names {min(strangers)}, which is not among the tables of {self.name}")
        return self

    def allows(self, table: str, column: str) -> bool:
        """Whether a personal column of a table is published."""
        return f"{table}.{column}" in self.personal or f"{table}.*" in self.personal


class Publish(Rules):
    """All schemas, each with a name of its own."""

    schemas: tuple[PublishedSchema, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> "Publish":
        names = Counter(schema.name for schema in self.schemas)
        if repeated := [name for name, count in names.items() if count > 1]:
            raise ValueError(f"two schemas are called {repeated[0]}; an asset and its receipts are named after it")
        return self
