"""A report of what a role sees has own customers and no personal columns, in its page, its table and its figures."""

import re

import pytest

from gtm_platform.cli.reports import slug, viewer_with
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.reports.figures import Figures
from gtm_platform.reports.kinds import discover
from gtm_platform.reports.render import as_html
from gtm_platform.reports.seen_lake import SeenLake
from gtm_platform.serving.csv_file import as_csv
from gtm_platform.serving.store.sight import Sight
from gtm_platform_tests.reports.test_reports import PERIODS
from gtm_platform_tests.serving.world import PEOPLE, TODAY, person

MANAGER = "Sam Lee"
PERSON = re.compile(r"Person (?:&#34;|&quot;|\"+)(\d+)(?:&#34;|&quot;|\"+)")
OWN = {i for i in range(PEOPLE) if person(i, TODAY)["assigned_am"] == MANAGER}


def text_of(name: str, lake: Lake) -> str:
    """The page of a report and its table, as they are written."""
    report = discover()[name]
    figures = Figures(lake, report.cadence.named(PERIODS[report.cadence.name]), policy())
    content = report.content(figures)
    return as_html(report, figures, content) + as_csv(content.columns, content.data).decode("utf-8-sig")


def seen(lake: Lake, sight: Sight) -> Lake:
    return SeenLake(lake.root, sight=sight)


@pytest.mark.faults("V2")
@pytest.mark.parametrize("name", discover())
def test_a_report_of_a_role_has_what_the_role_sees(name: str, report_lake: Lake) -> None:
    everybody = {int(number) for number in PERSON.findall(text_of(name, report_lake))}
    own = {int(number) for number in PERSON.findall(text_of(name, seen(report_lake, Sight(managers=(MANAGER,)))))}
    assert own <= OWN
    masked = text_of(name, seen(report_lake, Sight(personal=False)))
    assert PERSON.findall(masked) == []
    assert "@firm" not in masked
    assert not everybody or everybody - OWN, "the rest proves nothing otherwise"


def test_some_reports_name_people(report_lake: Lake) -> None:
    assert any(PERSON.findall(text_of(name, report_lake)) for name in discover())


def test_a_role_that_sees_nobody_has_no_reports() -> None:
    assert viewer_with("account_manager", MANAGER).sight.managers == (MANAGER,)
    with pytest.raises(ValueError, match="sees no customers"):
        viewer_with("auditor", None)
    with pytest.raises(ValueError, match="say whose"):
        viewer_with("account_manager", None)
    with pytest.raises(ValueError, match="no role"):
        viewer_with("king", None)


@pytest.mark.faults("V12")
@pytest.mark.parametrize("name", ["../../etc", "/etc/passwd", "..", "a\0b", "Zoë Ärger", "", "x" * 500])
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]{0,60}", slug(name))
    assert slug(name) != slug(f"{name} ")
