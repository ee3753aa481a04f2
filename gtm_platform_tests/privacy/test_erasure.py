"""Erasing a person: nothing of them is left in any byte, and nothing else changes."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from gtm_platform.ingest.suppression import PrivacyKey
from gtm_platform.lake.lake import Lake
from gtm_platform.privacy.erasure import Busy, NoSuchPlan, carry_out, plan_erasure
from gtm_platform.privacy.person import Nobody, find_person
from gtm_platform.privacy.seal import is_genuine, required_keys
from gtm_platform.settings import SettingsError, settings
from gtm_platform.state import open_state, schema
from gtm_platform.state.audit import ERASED, entries, verify
from gtm_platform.state.erasures import Erasure
from gtm_platform_tests.privacy.bytes_of_home import places_of
from gtm_platform_tests.privacy.conftest import copy_of
from gtm_platform_tests.privacy.small_home import (
    BOB,
    COLLEAGUE,
    CUSTOMER,
    DAYS,
    FORMER,
    JANE,
    JANES_NAME,
    JANES_PHONE,
    KEY,
    Outside,
    SmallHome,
)

THEIRS = (JANE, "jane.roe+bills", JANES_NAME, JANES_PHONE, JANES_PHONE.replace(" ", ""))


def rows(home: SmallHome, table: str, partition: str) -> list[dict[str, Any]]:
    [file] = [file for file in home.lake.versions(table) if file.partition == partition]
    stored: list[dict[str, Any]] = pq.ParquetFile(file.path).read().to_pylist()
    return stored


@dataclass(frozen=True)
class Erased:
    """A home in which she was erased, to be looked at by many tests; and how it was before."""

    home: SmallHome
    receipt: dict[str, Any]
    before: SmallHome
    plan: Erasure
    places_before: list[str]
    places_once_planned: list[str]

    def rows(self, table: str, partition: str = "2026-03-01") -> list[dict[str, Any]]:
        return rows(self.home, table, partition)


@pytest.fixture(scope="module")
def erased(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Erased]:
    with pytest.MonkeyPatch.context() as patch:
        home = copy_of(made, tmp_path_factory.mktemp("erased") / "home", patch)
        before = places_of(home.path, *THEIRS)
        plan = plan_erasure(home.context(), JANE, f"{JANE} asked.", "Noor")
        planned = places_of(home.path, *THEIRS)
        yield Erased(
            home, carry_out(home.context(), plan.id, "Noor"), SmallHome(made, Outside()), plan, before, planned
        )
    settings.cache_clear()


def test_she_is_everywhere_at_first(erased: Erased) -> None:
    """So that the test below shows something."""
    folders = {place.split("/")[0].split(":")[0] for place in erased.places_before}
    assert folders >= {
        "lake",
        "state.db",
        "gtm.duckdb",
        "dagster",
        "reports",
        "files",
        "etags",
        "serving",
        "hot",
        "state-copies",
    }


def test_no_byte_of_her_is_left(erased: Erased) -> None:
    assert places_of(erased.home.path, *THEIRS) == []
    kept = places_of(erased.home.path, CUSTOMER, FORMER)
    assert kept == []


def test_she_may_be_named_by_whatever_she_is_known_by(made: Path) -> None:
    lake = Lake(made / "lake")
    whole = find_person(lake, JANE)
    assert (whole.customer_ids, whole.names, whole.phones) == ((FORMER, CUSTOMER), (JANES_NAME,), (JANES_PHONE,))
    references = (JANE.upper(), "Jane.Roe+x@firm.example", CUSTOMER, FORMER, "hubspot:501", "stripe:cus_jane12345")
    for reference in references:
        assert find_person(lake, reference) == whole, reference


def test_a_plan_erases_nothing_and_names_nobody(erased: Erased) -> None:
    assert not any(text in repr(erased.plan.plan) + erased.plan.reason for text in (JANE, JANES_NAME))
    assert erased.plan.plan["systems"]["hubspot"] == 1
    assert erased.plan.plan["lake"]["core/unified_customers"]["rows"] == len(DAYS)
    assert erased.places_once_planned == erased.places_before


def test_her_colleague_stays_as_he_is(erased: Erased) -> None:
    tables = ("identity/links", "identity/people", "core/unified_customers", "intelligence/features")
    before = {
        table: [row for row in rows(erased.before, table, DAYS[0]) if row["customer_id"] == COLLEAGUE]
        for table in tables
    }
    before["core/unified_customers"][0]["last_call_summary"] = "With [erased]"
    assert {table: erased.rows(table, DAYS[0]) for table in tables} == before
    [bob] = erased.rows("hubspot/contacts", "2026-03-01T0000")
    assert (bob["email"], bob["payload"]) == (BOB, "{}")


def test_figures_that_name_nobody_keep_their_numbers(erased: Erased) -> None:
    [metric] = erased.rows("quality/daily_metrics", DAYS[0])
    assert metric["value"] == 2.0
    [company] = erased.rows("core/unified_companies", DAYS[0])
    assert (company["name"], company["engagement_notes"]) == ("Firm", "[erased] asked for less.")
    assert "2 customers" in (erased.home.path / "reports/weekly/2026-03-01/report.html").read_text()


def test_what_hangs_on_her_records_goes_with_them_and_nothing_else(erased: Erased) -> None:
    assert erased.rows("stripe/charges", "2026-03-01") == []
    assert [row["id"] for row in erased.rows("stripe/refunds", "2026-03-01")] == ["re_9999999999"]
    assert [row["id"] for row in erased.rows("intercom/conversations", "2026-03-01T0000")] == ["c2"]
    [part] = erased.rows("intercom/conversation_parts", "2026-03-01T0000")
    assert (part["id"], part["body"]) == ("p2", "Call [erased]")
    [company] = erased.rows("hubspot/companies", "2026-03-01T0000")  # which has the same number as her contact
    assert company["domain"] == "firm.example"


def test_what_is_others_too_stays_without_her(erased: Erased) -> None:
    [account] = erased.rows("chroma_admin/accounts", "2026-03-01")
    assert (account["email"], account["member_emails"], account["payload"]) == (None, [BOB], None)
    [usage] = erased.rows("chroma_admin/daily_usage", "2026-03-01")
    assert usage["queries"] == 7
    [meeting] = erased.rows("fathom/meetings", "2026-03-01")
    assert [invitee["email"] for invitee in meeting["invitees"]] == [BOB]
    assert (meeting["external_emails"], meeting["title"]) == ([BOB], "Review")


def test_records_that_could_not_be_read_go_too(erased: Erased) -> None:
    assert [row["digest"] for row in erased.rows("quarantine/hubspot_contacts", "2026-03-01T0000")] == ["d2"]


def test_the_state_keeps_the_others(erased: Erased) -> None:
    with closing(open_state(f"sqlite:///{erased.home.path / 'state.db'}")) as state, state.reading() as tx:
        assert tx.scalars(sa.select(schema.hubspot_writes.c.object_id)).all() == ["502"]
        assert tx.scalars(sa.select(schema.slack_messages.c.subject_id)).all() == [COLLEAGUE]
        assert tx.scalars(sa.select(schema.hook_events.c.id)).all() == []
        [looked] = tx.execute(sa.select(schema.audit).where(schema.audit.c.action == "looked up")).mappings()
        assert (looked["subject"], looked["detail"]) == ("[erased]", {"who": "[erased]"})
        assert tx.scalars(sa.select(schema.erasures.c.sealed)).all() == [None]


def test_files_lose_her_row_and_keep_the_rest(erased: Erased) -> None:
    report = erased.home.path / "reports/weekly/2026-03-01"
    assert (report / "report.csv").read_bytes() == b"name,mrr\r\nBob,6\r\n"
    assert (report / "report.html").read_text() == "<h1>2 customers</h1><tr><td>Bob</td></tr>"
    assert (report / "report.pdf").read_text() == (report / "report.html").read_text()[::-1]
    assert (erased.home.path / "files/partners_csv/0001_list.csv").read_text() == "company;contact\nOther;x@y.example\n"


def test_hubspot_deletes_her_for_good_where_the_policy_says_so(erased: Erased) -> None:
    assert erased.home.outside.deleted == ["501"]
    assert erased.receipt["destinations"] == {"hubspot": "1 records were deleted for good"}
    assert not any(duty.startswith("hubspot ") for duty in erased.receipt["others_must"])


def test_the_audit_holds_without_her_and_lists_what_was_erased_of_it(erased: Erased) -> None:
    with closing(open_state(f"sqlite:///{erased.home.path / 'state.db'}")) as state, state.reading() as tx:
        verdict = verify(tx)
        [listed] = entries(tx, ERASED)
    assert verdict.broken is None
    assert verdict.erased == len(listed["detail"]["entries"]) > 0


def test_the_receipt_is_signed_and_names_nobody(erased: Erased) -> None:
    made, keys = erased.receipt, (PrivacyKey(KEY.encode()),)
    assert is_genuine(made, keys)
    assert not is_genuine({**made, "reason": "another"}, keys)
    assert not any(text.lower() in repr(made).lower() for text in (*THEIRS, CUSTOMER))
    assert any("2026-04-08" in duty for duty in made["others_must"])  # 35 days of backups
    assert any(duty.startswith("stripe still has") for duty in made["others_must"])


def test_done_twice_is_done_once(erased: Erased) -> None:
    context = erased.home.context()
    assert carry_out(context, erased.plan.id, "Noor") == erased.receipt
    assert erased.home.outside.deleted == ["501"]
    with pytest.raises(Nobody):
        plan_erasure(context, JANE, "Again.", "Noor")


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.soak
@pytest.mark.parametrize("stride", [pytest.param(3, marks=pytest.mark.long), 45])
def test_a_crash_after_any_step_is_finished_by_another_try(made: Path, tmp_path: Path, stride: int) -> None:
    """Each step in turn, or some; between two files of the lake the others' rows are there, once."""
    step, ended = 0, False
    while not ended:
        with pytest.MonkeyPatch.context() as patch:
            home = copy_of(made, tmp_path / str(step), patch)
            context = home.context()
            plan = plan_erasure(context, JANE, "She asked.", "Noor")
            try:
                carry_out(context, plan.id, "Noor", done=killing(step))
                ended = True
            except Killed:
                assert [row["email"] for row in newest(home, "hubspot/contacts")].count(BOB) == 1
                carry_out(context, plan.id, "Noor")
            if step % 90 == 0 or ended:  # to look at every byte takes longer than all else
                assert places_of(home.path, *THEIRS, CUSTOMER) == []
            settings.cache_clear()
        step += stride
    assert step > 30, "there were steps to be killed at"


@pytest.mark.soak
def test_one_that_crashes_again_and_again_goes_on_where_it_was(home: SmallHome) -> None:
    """Killed after every ninth step of the same erasure, until it ends: each try finds what the last one left."""
    context = home.context()
    plan = plan_erasure(context, JANE, "She asked.", "Noor")
    kills, made = 0, None
    while made is None:
        try:
            made = carry_out(context, plan.id, "Noor", done=killing(8))
        except Killed:
            kills += 1
            assert kills < 200, "it gets no further"
            assert [row["email"] for row in newest(home, "hubspot/contacts")].count(BOB) == 1
    assert kills > 5, "there were steps to be killed at"
    assert places_of(home.path, *THEIRS, CUSTOMER) == []
    assert is_genuine(made, (PrivacyKey(KEY.encode()),))
    assert carry_out(context, plan.id, "Noor") == made


def killing(at: int) -> Any:
    steps = iter(range(10_000))

    def done(_: str) -> None:
        if next(steps) == at:
            raise Killed

    return done


def newest(home: SmallHome, table: str) -> Iterator[dict[str, Any]]:
    for file in home.lake.files(table):
        yield from pq.ParquetFile(file.path).read().to_pylist()


def test_nothing_is_erased_while_a_run_is_at_work(home: SmallHome) -> None:
    context = home.context(busy_with=lambda: "1f0c9a2b")
    plan = plan_erasure(context, JANE, "She asked.", "Noor")
    with pytest.raises(Busy, match="1f0c9a2b"):
        carry_out(context, plan.id, "Noor")
    assert places_of(home.path, JANE)


def test_without_a_key_nobody_is_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="--new-key"):
        required_keys()
    monkeypatch.setenv("GTM_PRIVACY_KEY", "short")
    settings.cache_clear()
    with pytest.raises(SettingsError, match="too short"):
        required_keys()


def test_who_is_unknown_is_said_to_be(home: SmallHome) -> None:
    with pytest.raises(Nobody):
        plan_erasure(home.context(), "nobody@nowhere.example", "She asked.", "Noor")
    with pytest.raises(Nobody, match="c_unknown"):
        find_person(home.lake, "c_unknown")
    with pytest.raises(NoSuchPlan):
        carry_out(home.context(), "0" * 12, "Noor")
