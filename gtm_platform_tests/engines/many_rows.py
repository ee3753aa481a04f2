"""A day that Spark makes in a process of its own: `python -m gtm_platform_tests.engines.many_rows quickly`.

`slowly` it takes long enough for somebody to be killed meanwhile; `wrongly` it fails where the executors work.
"""

import sys

import ibis

from gtm_platform.lake import spark_engine
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform_tests.lake.tables import ALBUMS, SALES, declared

TABLE, DAY = "shop/sales", "2026-03-19"
MILLISECONDS = 10  # that each letter of a title takes, slowly


@ibis.udf.scalar.builtin(name="java_method", signature=(("string", "string", "int64"), "string"))
def _java_method(java_class, method, argument):  # type: ignore[no-untyped-def]
    """Call a method of Java, as Spark's SQL does."""


def quickly(title: ibis.Value) -> ibis.Value:
    """Return how long a title is."""
    return title.length().cast("int64")


def slowly(title: ibis.Value) -> ibis.Value:
    """Return how long a title is, and sleep meanwhile."""
    slept = _java_method("java.lang.Thread", "sleep", quickly(title) * MILLISECONDS)
    return quickly(title) + quickly(slept.fill_null("")) * 0


def wrongly(title: ibis.Value) -> ibis.Value:
    """Take a title for a number, which it is not."""
    return title.cast("int64")


RULES = {rule.__name__: rule for rule in (quickly, slowly, wrongly)}


def write_day(how: str) -> None:
    """Let Spark make the day, in the home's lake: a row of each album, by whoever it is dealt to."""
    lake = Lake(settings().home / "lake")
    with declared(shop__albums=ALBUMS, shop__sales=SALES):
        albums = lake.read_day("shop/albums", DAY)
        titles = albums.group_by("id").agg(title=albums["title"].max())
        spark_engine.written(lake, TABLE, DAY, titles.select("id", sold=RULES[how](titles["title"])))


if __name__ == "__main__":
    write_day(sys.argv[1])
