"""dlt reading the same server: a resource that pages with dlt's own client, into DuckDB."""

from collections.abc import Iterator
from typing import Any

import dlt
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator


def land(url: str, records: int, file_format: str | None) -> dict[str, Any]:
    """`file_format`: None for dlt's default."""
    paginator = JSONResponseCursorPaginator(cursor_path="paging.next.after", cursor_param="after")

    @dlt.resource(name="contacts", primary_key="id", write_disposition="append")
    def contacts() -> Iterator[list[Any]]:
        client = RESTClient(base_url=url, paginator=paginator)
        yield from client.paginate(f"/{records}/contacts", params={"limit": 100}, data_selector="results")

    pipeline = dlt.pipeline("bench", destination="duckdb", dataset_name="crm", pipelines_dir="pipelines")
    pipeline.run(contacts(), **({"loader_file_format": file_format} if file_format else {}))
    with pipeline.sql_client() as sql:
        counted = sql.execute_sql("select count(*) from contacts")[0][0]
    if counted != records:
        raise AssertionError(f"{counted} of {records} records are in the table.")
    return {"records": counted}
