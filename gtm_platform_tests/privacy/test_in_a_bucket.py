"""A person goes from every object of a lake in a bucket, and from this machine's copies."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import gtm_platform.definitions  # noqa: F401  declares every table
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.privacy.lake_rows import completed, erase_rows
from gtm_platform.privacy.needles import Needles
from gtm_platform.privacy.person import find_person
from gtm_platform_tests.lake.stores import needs_obstore, served_bucket
from gtm_platform_tests.privacy.small_home import BOB, JANE, JANES_NAME, fill

pytestmark = needs_obstore


def naming(name: str, files: Iterable[bytes]) -> int:
    """Count the Parquet files that hold a text anywhere, as pyarrow reads them."""
    return sum(name.lower() in str(pq.read_table(BytesIO(file)).to_pylist()).lower() for file in files)


def test_no_object_and_no_copy_names_the_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served_bucket(tmp_path, monkeypatch) as s3:
        lake = the_lake()
        fill(lake)
        lake.store.set_aside(lake.versions("hubspot/contacts")[0].path)
        others = naming(BOB, s3.objects.values())
        assert naming(JANE, s3.objects.values()) > 10
        for copy in lake.root.rglob("*.parquet"):
            copy.unlink()  # as on another machine
        erase_rows(lake, Needles(completed(lake, find_person(lake, JANE))), lambda _: None)
        copies = [path.read_bytes() for path in lake.root.rglob("*") if path.suffix in (".parquet", ".damaged")]
        for name in (JANE, JANES_NAME):
            assert (naming(name, s3.objects.values()), naming(name, copies)) == (0, 0)
        assert naming(BOB, s3.objects.values()) == others - 1, "of what was set aside, all goes"
        assert not [key for key in s3.objects if "/." in key]
