"""The section of the ideal customer in the monthly report, beside SQL over the lake."""

from datetime import date
from pathlib import Path

import duckdb

from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.reports.figures import Figures
from gtm_platform.reports.icp import ideal_customer
from gtm_platform.reports.period import MONTH
from gtm_platform_tests.intelligence.registered import settle_leads
from gtm_platform_tests.tables import filled

DAY = date(2026, 1, 31)


def test_groups_that_are_furthest_from_all_come_first(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.write("core/unified_customers", str(DAY), engine().to_pyarrow(filled("core/unified_customers")))
    figures = Figures(lake, MONTH.named("2026-01-01"), policy())
    assert ideal_customer(figures) == []
    settle_leads(lake, DAY, ["com_1", "com_2"], "cus_1")
    [table] = ideal_customer(figures)
    with duckdb.connect() as connection:
        of_industry = f"""select count(*) filter (outcome = 'won'), count(*) filter (outcome = 'lost')
            from ({lake.query_day("intelligence/icp_companies", str(DAY)).sql}) where industry = 'software'"""
        [(won, lost)] = connection.execute(of_industry).fetchall()
    named = {str(row[0]): row for row in table.rows}
    assert next(iter(named)) == "All"
    assert {"Industry: software", "Industry: retail"} == set(list(named)[1:3])
    row = named["Industry: software"]
    assert (row[1], row[2]) == (str(won), str(lost))
    assert str(row[3]).startswith(f"{100 * won / (won + lost):.0f} % (")
