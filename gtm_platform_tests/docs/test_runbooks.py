"""Every kind of alert, every check and every failure has a page, and no page is about nothing."""

import ast
import json
import re
from pathlib import Path

import pytest

import gtm_platform
from gtm_platform.definitions import defs
from gtm_platform.delivery.alerts.alert import Alert
from gtm_platform.delivery.alerts.kinds import check_turned, discover, run_failed
from gtm_platform.delivery.alerts.ops_wording import compose
from gtm_platform.delivery.alerts.runbooks import (
    PROCESS_DIED,
    RUNBOOK_OF_CHECK,
    RUNBOOK_OF_FAILURE,
    Runbook,
    pages_of,
    runbook_of,
)
from gtm_platform.delivery.alerts.wording import Message
from gtm_platform.settings import settings
from gtm_platform.state.slack_journal import Entry
from gtm_platform_tests.docs.commands import RUNBOOKS

PACKAGE = Path(gtm_platform.__file__).parent
DAY = "2026-11-20"
HEADINGS = ["What it means", "What to do", "How to know that it is over"]
# The floors whose code runs in a run; what is above them is a command or a page, whose errors a person sees at once.
ROOMS = ["policy", "lake", "http", "ingest", "sources", "identity", "intelligence", "delivery", "extensions"]
RUNNING = ("accounts.py", "keyring.py", "settings.py", *ROOMS)
# Errors of these floors that fail no run, each with its reason.
NO_RUN_FAILS = {
    "ApiFailure": "a kind of failures: each of them has a page",
    "Permanent": "a kind of failures: each of them has a page",
    "Transient": "a kind of failures: each of them has a page",
    "BrokenDeclaration": "the definitions do not load",
    "BrokenExtension": "the definitions do not load",
    "CallbackRefused": "the receiver answers 400",
    "CatalogueBusy": "caught: the run says so, and the catalogue is made by the next one",
    "DeliveryStopped": "told as hubspot_delivery, and by the check within_limits",
    "FileRefused": "told as file_dropped",
    "FrameExpected": "a fault of an extension, found when it is written",
    "HubSpotIsOff": "a command says so",
    "LeftToTables": "caught: the daily tables do it, and `gtm hooks` counts it",
    "Malformed": "the receiver answers 400",
    "NameTaken": "caught: the run says so, and the catalogue is made by the next one",
    "NoOutcome": "a command says so",
    "NoSuchValue": "a command says so",
    "NobodyMeant": "a command says so",
    "NotLocal": "caught: the day is computed for everybody, and the run says why",
    "NotRegistered": "a command says so",
    "NotReusable": "caught: the expression is computed without its text",
    "NotScorable": "a command says so",
    "NothingToUndo": "a command says so",
    "QueryUnreadable": "the definitions do not load",
    "RotationDiffers": "a command says so",
    "RefusedDelivery": "the receiver answers 4xx",
    "SlackIsOff": "the run is skipped and says so",
    "TakenWhole": "caught: the daily tables do it, and `gtm hooks` counts it",
    "TooLittlePast": "a command says so",
    "TooShort": "a command says so",
    "TriggersOff": "a command says so",
    "Undecidable": "a command says so",
    "UnknownTable": "a misspelt name, found when it is written",
    "UnreadableFile": "a command says so",
    "Unpriced": "caught: the record is quarantined",
}


def raised() -> set[str]:
    """The error classes of the floors whose code runs in a run; what begins with an underscore is caught there."""
    trees = [ast.parse(path.read_text()) for name in RUNNING for path in _modules(PACKAGE / name)]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    bases = {each.name: {ast.unparse(base) for base in each.bases} for each in classes}
    errors = {"Exception", "ValueError", "RuntimeError", "LookupError", "TypeError", "KeyError"}
    while more := {name for name, parents in bases.items() if parents & errors} - errors:
        errors |= more
    return {name for name in errors & bases.keys() if not name.startswith("_")}


def _modules(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def test_every_kind_check_and_failure_has_a_page_and_there_is_no_other() -> None:
    pages = {path.relative_to(RUNBOOKS).with_suffix("").as_posix() for path in RUNBOOKS.rglob("*.md")}
    assert pages - {"index"} == pages_of(discover())


def test_every_check_of_the_graph_has_a_page() -> None:
    graph = defs.resolve_asset_graph()
    assert {key.name for key in graph.asset_check_keys} == RUNBOOK_OF_CHECK.keys()


def test_every_error_that_fails_a_run_has_a_page() -> None:
    assert raised() == (RUNBOOK_OF_FAILURE.keys() - {PROCESS_DIED}) | NO_RUN_FAILS.keys()
    assert not RUNBOOK_OF_FAILURE.keys() & NO_RUN_FAILS.keys()


@pytest.mark.parametrize("page", sorted(RUNBOOKS.rglob("*.md")), ids=lambda page: page.relative_to(RUNBOOKS).as_posix())
def test_a_page_says_what_it_means_what_to_do_and_when_it_is_over(page: Path) -> None:
    if page.name == "index.md":
        return
    parts = re.split(r"^## (.+)$", page.read_text(), flags=re.MULTILINE)
    assert parts[0].startswith("# ")
    assert parts[1::2] == HEADINGS
    assert all(part.strip() for part in parts[2::2])


def test_the_index_lists_every_page_once() -> None:
    linked = re.findall(r"\]\(([\w/]+)\.md\)", (RUNBOOKS / "index.md").read_text())
    assert sorted(linked) == sorted(pages_of(discover()))


@pytest.mark.parametrize(
    ("alert", "facts", "page"),
    [
        (check_turned.ALERT, {"check": "fresh"}, "checks/fresh"),
        (check_turned.ALERT, {"check": "one_of_an_extension"}, "check_turned"),
        (run_failed.ALERT, {"errors": ["Failure", "Unauthorized"]}, "failures/unauthorized"),
        (run_failed.ALERT, {"errors": ["ZeroDivisionError"]}, "run_failed"),
        (run_failed.ALERT, {}, "run_failed"),  # journaled by a version that noted no errors
        (discover()["cancel_mention"], {}, "cancel_mention"),
    ],
)
def test_an_alert_leads_to_the_page_that_is_nearest(alert: Alert, facts: dict[str, object], page: str) -> None:  # type: ignore[type-arg]
    assert runbook_of(alert, facts) == Runbook(f"runbooks/{page}.md")


@pytest.mark.parametrize(
    ("docs", "code", "linked"),
    [
        ("https://docs.acme.com/gtm/", "https://git.acme.com", "<https://docs.acme.com/gtm/runbooks/x.html|Runbook>"),
        (None, "https://git.acme.com/main/", "<https://git.acme.com/main/docs/runbooks/x.md|Runbook>"),
        (None, None, "Runbook: docs/runbooks/x.md"),
    ],
)
def test_the_address_is_that_of_the_site_else_of_the_code_else_the_path(
    monkeypatch: pytest.MonkeyPatch, docs: str | None, code: str | None, linked: str
) -> None:
    for name, value in (("GTM_DOCS_URL", docs), ("GTM_CODE_URL", code)):
        monkeypatch.setenv(name, value or "")
    settings.cache_clear()
    try:
        assert Runbook("runbooks/x.md").linked() == linked
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def text(messages: list[Message]) -> str:
    """All that the messages show."""
    return json.dumps([message.blocks for message in messages])


def test_a_message_of_the_platform_links_its_page_alone_and_in_a_digest() -> None:
    turn = check_turned.CheckTurn("stripe/invoices", "fresh", "WARN", "run-1", "", "late", 7)
    run = run_failed.FailedRun("run-2", "sync_stripe", "", ("No.",), errors=("Failure", "Unauthorized"))
    facts = [*check_turned.ALERT.facts_of([turn], DAY), *run_failed.ALERT.facts_of([run], DAY)]
    entries = [Entry(**vars(fact), id=number, status="intent") for number, fact in enumerate(facts)]
    for digest_above in (10, 1):
        shown = text(compose(entries, digest_above, "http://dagster"))
        for page in ("checks/fresh", "failures/unauthorized"):
            assert f"Runbook: docs/runbooks/{page}.md" in shown
