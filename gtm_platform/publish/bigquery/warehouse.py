"""BigQuery: a load job replaces one partition of a table, which is one atomic step there.

Null lists become empty ones, as BigQuery has no others. A kill before the job was made leaves the day of before; the
job itself ends without us.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import ibis.expr.datatypes as dt

from gtm_platform.http.redaction import excerpt
from gtm_platform.publish.bigquery.settings import BigQuerySettings
from gtm_platform.publish.columns import DAY_COLUMN, CannotPublish, TypeNames
from gtm_platform.publish.warehouse import DayRows, Target, WarehouseFailed

SHORT_WHOLE, SHORT_SCALE = 29, 9  # digits of a NUMERIC before the point and behind it


@dataclass(frozen=True)
class BigQueryNames(TypeNames):
    """BigQuery's types: of its two decimals the shorter one where that has room."""

    def of(self, kind: dt.DataType) -> str:
        """Return the name of a type."""
        name = super().of(kind)
        if not isinstance(kind, dt.Decimal):
            return name
        precision, scale = kind.precision or 38, kind.scale or 0
        return name if scale <= SHORT_SCALE and precision - scale <= SHORT_WHOLE else f"BIG{name}"


NAMES = BigQueryNames(
    text="STRING",
    whole="INTEGER",
    number="FLOAT",
    boolean="BOOLEAN",
    date="DATE",
    instant="TIMESTAMP",
    json="STRING",
    decimal="NUMERIC({precision},{scale})",
    array="REPEATED {}",
)


@dataclass(frozen=True)
class BigQuery:
    """A client of a project, with the module that it is of."""

    client: Any
    bigquery: Any
    failures: tuple[type[Exception], ...]
    names: TypeNames = NAMES

    def columns(self, target: Target) -> dict[str, str]:
        """Return the columns of the table."""
        listed = self._do(lambda: [each.table_id for each in self.client.list_tables(target.schema)], missing=[])
        if target.name not in listed:
            return {}
        table = self._do(lambda: self.client.get_table(self._address(target)))
        return {field.name: _type_of(field) for field in table.schema}

    def create(self, target: Target) -> None:
        """Make the dataset and the table, partitioned by the day and clustered by the key."""
        dataset = self.bigquery.Dataset(f"{self.client.project}.{target.schema}")
        dataset.location = self.client.location
        self._do(lambda: self.client.create_dataset(dataset, exists_ok=True))
        table = self.bigquery.Table(self._address(target), schema=self._fields(target))
        table.time_partitioning = self.bigquery.TimePartitioning(field=DAY_COLUMN)
        if keys := [name for name in target.key if name != DAY_COLUMN]:
            table.clustering_fields = keys[:4]
        self._do(lambda: self.client.create_table(table, exists_ok=True))

    def add(self, target: Target, columns: Sequence[str]) -> None:
        """Add columns."""
        table = self._do(lambda: self.client.get_table(self._address(target)))
        new = [field for field in self._fields(target) if field.name in columns]
        table.schema = [*table.schema, *new]
        self._do(lambda: self.client.update_table(table, ["schema"]))

    def replace(self, target: Target, day: DayRows) -> None:
        """Load the rows in the place of the day's partition."""
        parquet = self.bigquery.ParquetOptions()
        parquet.enable_list_inference = True
        config = self.bigquery.LoadJobConfig(
            source_format="PARQUET",
            write_disposition="WRITE_TRUNCATE",
            create_disposition="CREATE_NEVER",
            parquet_options=parquet,
            schema=self._fields(target),
            time_partitioning=self.bigquery.TimePartitioning(field=DAY_COLUMN),
        )
        partition = f"{self._address(target)}${day.day.replace('-', '')}"
        with day.as_parquet() as path, open(path, "rb") as file:
            job = self._do(lambda: self.client.load_table_from_file(file, partition, rewind=True, job_config=config))
            self._do(job.result)
        day.require(target, int(job.output_rows))

    def counts(self, target: Target) -> dict[str, int]:
        """Count the rows of each day."""
        query = f"select cast({DAY_COLUMN} as string), count(*) from `{self._address(target)}` group by 1"
        rows = self._do(lambda: list(self.client.query(query).result()))
        return {str(row[0]): int(row[1]) for row in rows}

    def _fields(self, target: Target) -> list[Any]:
        required = {column.name for column in target.columns if column.is_required}
        return [self._field(name, kind, name in required) for name, kind in target.types.items()]

    def _field(self, name: str, kind: str, is_required: bool) -> Any:
        mode, _, rest = kind.rpartition(" ")
        word, _, digits = rest.partition("(")
        precision, scale = map(int, digits.rstrip(")").split(",")) if digits else (None, None)
        return self.bigquery.SchemaField(
            name, word, mode or ("REQUIRED" if is_required else "NULLABLE"), precision=precision, scale=scale
        )

    def _address(self, target: Target) -> str:
        return f"{self.client.project}.{target.schema}.{target.name}"

    def _do(self, call: Any, missing: Any = None) -> Any:
        try:
            return call()
        except self.failures as error:
            if missing is not None and getattr(error, "code", None) == 404:
                return missing
            raise WarehouseFailed(f"BigQuery: {excerpt(str(error).splitlines()[0])}") from None


def _type_of(field: Any) -> str:
    digits = f"({field.precision},{field.scale or 0})" if field.precision else ""
    return f"{'REPEATED ' if field.mode == 'REPEATED' else ''}{field.field_type}{digits}"


@contextmanager
def opened(settings: BigQuerySettings, schema: str) -> Iterator[BigQuery]:  # noqa: ARG001
    """Make a client; with an address it is that of an emulator, which takes no key."""
    try:
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.credentials import AnonymousCredentials
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import bigquery
        from google.oauth2.service_account import Credentials
    except ImportError:
        raise CannotPublish("BigQuery's client is needed: pip install 'gtm-platform[bigquery]'.") from None
    options: dict[str, Any] = {
        "project": settings.publish_bigquery_project,
        "location": settings.publish_bigquery_location,
    }
    if settings.publish_bigquery_url:
        options |= {"client_options": {"api_endpoint": settings.publish_bigquery_url}}
        options |= {"credentials": AnonymousCredentials()}  # type: ignore[no-untyped-call, unused-ignore]
    elif settings.publish_bigquery_key:
        key = json.loads(settings.publish_bigquery_key.get_secret_value())
        options |= {"credentials": Credentials.from_service_account_info(key)}  # type: ignore[no-untyped-call, unused-ignore]
    failures = (GoogleAPIError, GoogleAuthError)
    try:
        client = bigquery.Client(**options)
    except failures as error:
        raise WarehouseFailed(f"BigQuery: {excerpt(str(error).splitlines()[0])}") from None
    with closing(client):
        yield BigQuery(client, bigquery, failures)


OPENING = opened
