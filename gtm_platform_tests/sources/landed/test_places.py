"""Where landed tables may lie: a folder, a DuckDB file, a Postgres database. They hold the same."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from gtm_platform.http.errors import BadRequest, Unavailable
from gtm_platform.sources.hubspot.source import SOURCE as HUBSPOT
from gtm_platform_tests.orchestration.test_postgres import server
from gtm_platform_tests.sources.landed.conftest import Open, land
from gtm_platform_tests.sources.landed.test_reading import company, read

__all__ = ["server"]  # the fixture
SYNCED = datetime(2026, 3, 2, tzinfo=UTC)
CONTACT = {
    "id": 4,
    "property_email": "ada@acme.example",
    "property_lastmodifieddate": datetime(2026, 2, 3, 4, 5, 6, 789000, UTC),
    "property_associatedcompanyid": 1.0,
    "_fivetran_deleted": False,
    "_fivetran_synced": SYNCED,
}
Copy = Callable[[Path, Path], str]


def as_folder(place: Path, _: Path) -> str:
    return str(place)


def as_duckdb(place: Path, tmp_path: Path) -> str:
    file = tmp_path / "landed.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema hubspot")
        for path in (place / "hubspot").glob("*.parquet"):
            connection.execute(f"create table hubspot.{path.stem} as from read_parquet('{path}')")
    return str(file)


def check_contact(open_landed: Open, at: str) -> None:
    with open_landed(HUBSPOT, "fivetran", at) as client:
        (contact,) = read(HUBSPOT, client, "contacts")
        assert (contact.id, contact.email, contact.company_id) == ("4", "ada@acme.example", "1")
        assert contact.updated_at == CONTACT["property_lastmodifieddate"]
        (acme,) = read(HUBSPOT, client, "companies")
        assert acme.name == "Acme"
        links = [(row.from_id, [link.to_id for link in row.links]) for row in read(HUBSPOT, client, "associations")]
        assert links == [("4", ["1"])]


@pytest.mark.parametrize("copy", [as_folder, as_duckdb])
def test_a_folder_and_a_file(place: Path, tmp_path: Path, open_landed: Open, copy: Copy) -> None:
    land(place, "hubspot", contact=[CONTACT], company=[company(1, "Acme")], deal=[DEAL])
    check_contact(open_landed, copy(place, tmp_path))


# An account without deals has no table of them; this is one whose only deal is deleted.
DEAL = {"deal_id": 1, "_fivetran_deleted": True, "_fivetran_synced": SYNCED}


def test_a_postgres_database(open_landed: Open, server: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    pytest.importorskip("duckdb_extension_postgres_scanner", reason="pip install 'gtm-platform[postgres]'")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("drop schema if exists hubspot cascade")
        connection.execute("create schema hubspot")
        for name, row in {"contact": CONTACT, "company": company(1, "Acme"), "deal": DEAL}.items():
            columns = ", ".join(f"{column} {postgres_type(value)}" for column, value in row.items())
            connection.execute(f"create table hubspot.{name} ({columns})")
            values = ", ".join(["%s"] * len(row))
            connection.execute(f"insert into hubspot.{name} values ({values})", list(row.values()))
    check_contact(open_landed, server)


def postgres_type(value: object) -> str:
    kinds = {bool: "boolean", int: "bigint", float: "double precision", datetime: "timestamptz"}
    return kinds.get(type(value), "text")


def test_a_database_that_does_not_answer_shows_no_password(open_landed: Open) -> None:
    pytest.importorskip("duckdb_extension_postgres_scanner", reason="pip install 'gtm-platform[postgres]'")
    address = "postgresql://gtm:opensesame@127.0.0.1:9/nowhere"
    with (
        pytest.raises(Unavailable, match="What HUBSPOT_LANDED names cannot be opened") as failure,
        open_landed(HUBSPOT, "fivetran", address),
    ):
        pass
    assert "opensesame" not in str(failure.value)


def test_a_postgres_database_needs_the_extra(open_landed: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtm_platform.lake.postgres_extension.EXTENSION", "not_installed_here")
    with (
        pytest.raises(BadRequest, match=r"pip install 'gtm-platform\[postgres\]'"),
        open_landed(HUBSPOT, "fivetran", "postgresql://127.0.0.1/x"),
    ):
        pass
