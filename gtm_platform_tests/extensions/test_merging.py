"""People's own modules in the graph: found, merged, and heard of where they are broken."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from gtm_platform import definitions
from gtm_platform.automation.definitions import automated
from gtm_platform.definitions import platform
from gtm_platform.extensions.merging import extended, merge
from gtm_platform.lake.contracts import TABLES
from gtm_platform.settings import settings

GOOD = """
import dagster as dg

@dg.asset(key=["marts", "{name}"], deps=[["core", "revenue"]])
def asset() -> None: ...
"""
Extend = Callable[..., None]


@pytest.fixture
def extend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Extend:
    """Make GTM_EXTENSIONS a folder with these modules."""

    def put(**modules: str) -> None:
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.setenv("GTM_EXTENSIONS", str(tmp_path))
        settings.cache_clear()

    return put


def keys(merged: dg.Definitions) -> set[str]:
    return {key.to_user_string() for key in merged.resolve_asset_graph().get_all_asset_keys()}


def own(merged: dg.Definitions) -> set[str]:
    return keys(merged) - keys(platform())


def test_the_module_that_dagster_loads_has_one_definitions() -> None:
    """Of several at its top Dagster loads none, and says so only in the code server."""
    assert [name for name, value in vars(definitions).items() if isinstance(value, dg.Definitions)] == ["defs"]


def test_without_the_setting_nothing_is_added() -> None:
    assert extended(platform(), automated) is platform()


def test_modules_of_a_folder_are_merged(extend: Extend) -> None:
    extend(books=GOOD.format(name="books"), _private="1 / 0", shops=GOOD.format(name="shops"))
    merged, broken = merge(platform(), automated)
    assert (own(merged), broken) == ({"marts/books", "marts/shops"}, [])


def test_modules_can_import_each_other_and_each_thing_counts_once(extend: Extend) -> None:
    extend(a="from gtm_extensions.b import asset", b=GOOD.format(name="books"))
    merged, broken = merge(platform(), automated)
    assert (own(merged), broken) == ({"marts/books"}, [])


def test_what_is_imported_from_the_platform_is_not_added_again(extend: Extend) -> None:
    extend(a="from gtm_platform.core.revenue import TABLE\nfrom gtm_platform.core.assets import TABLES")
    merged, broken = merge(platform(), automated)
    assert (own(merged), broken) == (set(), [])


def test_definitions_of_its_own_are_taken_as_they_are(extend: Extend) -> None:
    extend(a=GOOD.format(name="books") + '\ndefs = dg.Definitions(assets=[dg.AssetSpec("elsewhere")])')
    merged, broken = merge(platform(), automated)
    assert (own(merged), broken) == ({"elsewhere"}, [])


def test_schedules_sensors_jobs_and_checks_come_along(extend: Extend) -> None:
    extend(
        a=GOOD.format(name="books")
        + """
@dg.asset_check(asset=asset)
def fine() -> dg.AssetCheckResult: return dg.AssetCheckResult(passed=True)
job = dg.define_asset_job("make_books", selection=[asset])
schedules = [dg.ScheduleDefinition(name="nightly", job=job, cron_schedule="0 1 * * *")]
@dg.sensor(job=job)
def now_and_then(context): ...
"""
    )
    merged, broken = merge(platform(), automated)
    assert broken == []
    repository = merged.get_repository_def()
    assert repository.has_job("make_books")
    assert repository.has_schedule_def("nightly")
    assert repository.has_sensor_def("now_and_then")
    assert [key.name for key in merged.resolve_asset_graph().get(dg.AssetKey(["marts", "books"])).check_keys] == [
        "fine"
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nothing_of_that_name", r"ModuleNotFoundError: No module named 'nothing_of_that_name' \(line 1\)"),
        ("\n\ndef broken(:", r"SyntaxError: .*\(line 3\)"),
        ("import sys\nsys.exit('no key')", r"SystemExit: no key \(line 2\)"),
        (GOOD.format(name="books").replace("revenue", "revenu"), "depends on core/revenu, which nobody makes"),
        ("from gtm_platform.lake.contracts import *\ndeclare('core/revenue', Contract({}, ()))", "already a table"),
        (
            "from gtm_platform.lake.contracts import *\nfrom gtm_platform.lake.sql_table import *\n"
            "TABLE = sql_table('marts/x', Contract({}, ()), 'from {core/revenu}')",
            "No table 'core/revenu' is declared",
        ),
        (
            GOOD.format(name="books") + 'job = dg.define_asset_job("daily_tables", selection=[asset])',
            "daily_tables",
        ),
        (GOOD.format(name="books").replace('"marts", "books"', '"core", "revenue"'), "core.*revenue"),
    ],
)
def test_a_broken_module_is_left_out_and_the_others_are_not(extend: Extend, text: str, reason: str) -> None:
    tables = dict(TABLES)
    extend(bad=text, good=GOOD.format(name="good"))
    merged, [broken] = merge(platform(), automated)
    assert own(merged) == {"marts/good"}
    assert broken.path.endswith("bad.py")
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(broken.reason)
    assert tables.items() <= TABLES.items()


def test_what_depends_on_a_broken_module_is_left_out_too(extend: Extend) -> None:
    extend(a=GOOD.format(name="books").replace('"core", "revenue"', '"marts", "gone"'), b="1 / 0")
    merged, broken = merge(platform(), automated)
    assert own(merged) == set()
    assert {Path(module.path).name: module.reason.split(" (")[0][:40] for module in broken} == {
        "b.py": "ZeroDivisionError: division by zero",
        "a.py": "it depends on marts/gone, which nobody m",
    }


def test_a_broken_module_is_heard_of(extend: Extend, caplog: pytest.LogCaptureFixture) -> None:
    extend(bad="1 / 0")
    with caplog.at_level(logging.ERROR):
        merged = extended(platform(), automated)
    dg.Definitions.validate_loadable(merged)
    assert "bad.py is left out: ZeroDivisionError: division by zero (line 1)" in caplog.text
    sensor = merged.resolve_sensor_def("report_broken_extensions")
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    with pytest.raises(Exception, match=r"bad\.py is left out"):
        sensor(dg.build_sensor_context())


def test_a_place_that_is_nothing_is_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_EXTENSIONS", "/nonexistent/folder")
    settings.cache_clear()
    assert [str(module) for module in merge(platform(), automated)[1]] == [
        "The extension /nonexistent/folder is left out: "
        "GTM_EXTENSIONS names it, and it is neither a folder nor a Python package."
    ]


def test_a_package_is_loaded_with_its_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "acme_marts"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "books.py").write_text(GOOD.format(name="books"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("GTM_EXTENSIONS", "acme_marts")
    settings.cache_clear()
    merged, broken = merge(platform(), automated)
    assert (own(merged), broken) == ({"marts/books"}, [])
    for name in [name for name in sys.modules if name.startswith("acme_marts")]:
        del sys.modules[name]


def test_a_folder_beside_the_home_is_found_wherever_the_process_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "marts").mkdir()
    (tmp_path / "marts/books.py").write_text(GOOD.format(name="books"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("GTM_EXTENSIONS", "marts")
    settings.cache_clear()
    assert own(merge(platform(), automated)[0]) == {"marts/books"}
