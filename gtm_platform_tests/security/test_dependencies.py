"""Advisories are compared with the pinned versions offline; the page of licences names every package that is needed."""

import json
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from gtm_platform_tests.security.dependencies import (
    PAGE,
    Advisory,
    known_against,
    licences,
    needed,
    of_osv,
    pinned,
    refresh,
    stored,
)

# As OSV writes documents; the package and what is wrong with it are made up.
MADE_UP: dict[str, Any] = {
    "id": "TEST-0000-0001",
    "summary": "A package of a test unpacks without end.",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Some_Package"},
            "ranges": [
                {
                    "type": "ECOSYSTEM",
                    "events": [
                        {"introduced": "0"},
                        {"fixed": "1.2.3"},
                        {"introduced": "2.0"},
                        {"last_affected": "2.4"},
                    ],
                },
                {"type": "GIT", "events": [{"introduced": "0"}]},
            ],
        }
    ],
}


@pytest.mark.faults("V14")
def test_nothing_is_known_against_a_version_that_we_install() -> None:
    assert known_against(pinned(), stored().advisories) == []
    assert len(pinned()) > 100


@pytest.mark.faults("V14")
@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("0.1", True),
        ("1.2.2", True),
        ("1.2.3", False),
        ("1.9", False),
        ("2.0", True),
        ("2.4", True),
        ("2.4.1", False),
    ],
)
def test_an_advisory_names_the_versions_that_it_holds_for(version: str, affected: bool) -> None:
    [advisory] = of_osv([MADE_UP], ["some-package"])
    problems = known_against({"some-package": version, "other": "1"}, [advisory])
    assert bool(problems) == affected
    assert all("TEST-0000-0001" in problem for problem in problems)


def test_what_is_withdrawn_of_another_kind_or_about_others_is_left_out() -> None:
    other = {
        **MADE_UP,
        "affected": [{**MADE_UP["affected"][0], "package": {"ecosystem": "npm", "name": "some-package"}}],
    }
    assert of_osv([{**MADE_UP, "withdrawn": "2026-01-01T00:00:00Z"}, other], ["some-package"]) == []
    assert of_osv([MADE_UP], ["another"]) == []
    listed = {**MADE_UP["affected"][0], "ranges": [], "versions": ["1.0", "1.1"]}
    [exact] = of_osv([{**MADE_UP, "affected": [listed]}], ["some-package"])
    assert [exact.holds_for(version) for version in ("1.0", "1.1", "1.2")] == [True, True, False]


@pytest.mark.parametrize("as_lines", [False, True])
def test_a_file_of_osv_is_taken_over(tmp_path: Path, as_lines: bool) -> None:
    of_ours = json.loads(json.dumps(MADE_UP).replace("Some_Package", "DuckDB"))
    documents = [of_ours, MADE_UP]
    text = "\n".join(json.dumps(each) for each in documents) if as_lines else json.dumps(documents)
    (tmp_path / "osv.json").write_text(text)
    taken = refresh(tmp_path / "osv.json", "2026-11-30")
    assert taken.checked == "2026-11-30"
    assert taken.advisories == (
        Advisory("TEST-0000-0001", "duckdb", "<1.2.3||>=2.0,<=2.4", "A package of a test unpacks without end."),
    )


def test_the_stored_list_is_one_that_can_be_compared() -> None:
    for advisory in stored().advisories:
        advisory.holds_for("1.0")
        assert advisory.package in pinned()
    assert all(Version(version) for version in pinned().values())


def test_the_page_of_licences_names_every_package_that_is_needed() -> None:
    page = PAGE.read_text()
    listed = {
        line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ") and "| package" not in line
    }
    assert listed == needed("gtm-platform"), "python -m gtm_platform_tests.security.dependencies --licences"
    assert "GNU Affero" not in licences(), "whoever serves the platform would have to publish it"
