"""The lake of a test in each place that it can lie in: a folder, and a bucket on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest

from gtm_platform.lake import bucket
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.store import copies_of, the_bucket
from gtm_platform.settings import settings
from gtm_platform_tests.s3_server import S3, environment, s3_server

HAS_OBSTORE = find_spec("obstore") is not None
needs_obstore = pytest.mark.skipif(not HAS_OBSTORE, reason="obstore is not installed: make bucket")
STORES = ("folder", pytest.param("bucket", marks=needs_obstore))
HASTE = {
    "max_retries": 3,
    "backoff": {"init_backoff": timedelta(milliseconds=1), "max_backoff": timedelta(milliseconds=2), "base": 2},
    "retry_timeout": timedelta(seconds=20),
}


@contextmanager
def lake_in(kind: str, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """An empty lake in a folder, or in a bucket whose copies lie there."""
    if kind == "folder":
        yield Lake(folder / "lake")
        return
    with served_bucket(folder, patch):
        yield Lake(copies_of(str(settings().gtm_lake)))


@contextmanager
def served_bucket(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[S3]:
    """A bucket of the test's own, which GTM_LAKE names."""
    with s3_server("shop") as s3:
        for name, value in environment(s3.url).items():
            patch.setenv(name, value)
        patch.setenv("GTM_LAKE", f"s3://shop/{folder.parent.name}/{folder.name}")
        patch.setenv("GTM_CACHE", str(folder / "cache"))
        patch.setattr(bucket, "PATIENCE", HASTE)
        settings.cache_clear()
        bucket.bucket_at.cache_clear()
        settings().home.mkdir(parents=True, exist_ok=True)
        yield s3
    bucket.bucket_at.cache_clear()


def overwrite(path: Path, content: bytes) -> None:
    """Damage a file from outside, wherever it lies."""
    path.write_bytes(content)
    if (of_test := the_bucket()) and path.is_relative_to(of_test.root):
        of_test.write_mark(path.relative_to(of_test.root).as_posix(), content)
