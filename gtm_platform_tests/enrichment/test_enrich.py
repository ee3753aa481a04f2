"""Asking from the command line and in Dagster: what is asked, what the ledger says, and what the data team hears."""

import multiprocessing
import os
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest
from click.testing import CliRunner, Result

from gtm_platform.automation.check_turns import read_turns
from gtm_platform.cli import gtm
from gtm_platform.definitions import defs
from gtm_platform.enrichment.asking import Asking
from gtm_platform.enrichment.candidates import Candidate
from gtm_platform.ingest.enrichment import Answer, Question, Reply
from gtm_platform.orchestration.instance import instance
from gtm_platform.policy import Enrichment
from gtm_platform.settings import settings
from gtm_platform.sources.clay import client as clay_client
from gtm_platform.state import audit, open_state, spend
from gtm_platform_tests.enrichment.conftest import DAY, START, Home
from gtm_platform_tests.tables import filled

CHECKS = ("ample_credits", "within_cap", "all_settled")
KEYS = [dg.AssetCheckKey(dg.AssetKey(["zoominfo", "companies"]), name) for name in CHECKS]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(clay_client, "POLLS", (0.0,))
    monkeypatch.setenv("DAGSTER_HOME", os.environ["GTM_HOME"] + "/dagster")
    return


def command(*arguments: str) -> Result:
    settings.cache_clear()
    return CliRunner().invoke(gtm, ["enrich", *arguments])


def test_a_dry_run_shows_who_would_be_asked_and_asks_nobody(home: Home) -> None:
    answer = command("--dry-run", "--limit", "5")
    assert answer.exit_code == 0, answer.output
    assert "clay: 5 of 12 companies that lack facts" in answer.output
    assert "may cost 15 credits at most" in answer.output
    assert "may cost 5 credits at most" in answer.output
    assert answer.output.index(home.domains[0]) < answer.output.index(home.domains[4])
    assert home.domains[5] not in answer.output
    assert home.month("clay").committed == home.month("zoominfo").committed == 0
    assert command("spend").output.strip().endswith("Nothing was spent yet.")


def test_answers_land_in_the_lake_with_what_they_cost(home: Home) -> None:
    answer = command("--provider", "zoominfo")
    assert answer.exit_code == 0, answer.output
    rows = home.answers("zoominfo")
    assert {row["domain"] for row in rows} == set(home.domains)
    matched = [row for row in rows if row["outcome"] == "matched"]
    assert matched
    assert all(row["employee_count"] and row["payload"].startswith('{"type":"Company"') for row in matched)
    assert home.month("zoominfo").charged == sum(row["credits"] for row in rows) == len(matched)
    assert "zoominfo" in command("spend").output


def test_a_second_run_asks_nobody_again_and_another_provider_only_what_is_missing(home: Home) -> None:
    command("--provider", "zoominfo")
    spent = home.month("zoominfo")
    calls = httpx.get(f"{home.box.url}/_sandbox/zoominfo/calls", trust_env=False).json()
    assert command("--provider", "zoominfo").exit_code == 0
    assert httpx.get(f"{home.box.url}/_sandbox/zoominfo/calls", trust_env=False).json() == calls
    assert home.month("zoominfo") == spent
    known = {row["domain"] for row in home.answers("zoominfo") if row["outcome"] == "matched"}
    assert command("--provider", "clay").exit_code == 0
    assert {row["domain"] for row in home.answers("clay")} == set(home.domains) - known


def test_nothing_is_asked_beyond_the_cap(home: Home, caps: Any) -> None:
    caps(zoominfo=4)
    answer = command("--provider", "zoominfo")
    assert answer.exit_code == 0, answer.output
    assert home.month("zoominfo").committed <= 4
    assert [row["domain"] for row in home.answers("zoominfo")] != []
    assert {row["domain"] for row in home.answers("zoominfo")} <= set(home.domains[:6])


@pytest.mark.usefixtures("home")
def test_the_data_team_hears_at_80_percent_and_at_the_cap(caps: Any) -> None:
    cursor = None
    heard = []
    with instance() as opened:
        for cap in (500, 10, 4):
            caps(zoominfo=cap)
            with closing(open_state(settings().state_url)) as state, state.writing() as tx:
                taken = [
                    each.id
                    for each in spend.reserve(
                        tx, "zoominfo", [(f"x{cap}.example", Decimal(4))], Decimal(99), "r", START
                    )
                ]
                if cap != 10:
                    spend.release(tx, taken, START, "Only the second month is used.")
                else:
                    more = spend.reserve(tx, "zoominfo", [("y.example", Decimal(4))], Decimal(99), "r", START)
                    spend.begin(tx, [each.id for each in more], START)
                    spend.charge(tx, more[0].id, Decimal(4), START)
            job = defs.resolve_job_def("enrich_zoominfo")
            run_config = {"ops": {"zoominfo": {"config": {"limit": 0}}}}
            tags = {"dagster/partition": "2026-03-02"}
            ran = job.execute_in_process(instance=opened, tags=tags, run_config=run_config, raise_on_error=False)
            assert ran.success
            turns, memory = read_turns(opened, KEYS, cursor, 1e12)
            cursor = memory.cursor()
            heard.append([(turn.check, turn.verdict, turn.about) for turn in turns])
    assert heard[0] == []
    [(check, verdict, about)] = heard[1]
    assert (check, verdict) == ("ample_credits", "WARN")
    assert "4 and 4 reserved of 10 credits of 2026-03 are used (80%)" in about
    [(check, verdict, about)] = heard[2]
    assert (check, verdict) == ("within_cap", "WARN"), "an error would hold back deliveries"
    assert "nothing more is asked this month" in about


def test_a_call_that_nobody_knows_of_is_shown_and_settled_by_a_person(home: Home) -> None:
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        (lost,) = spend.reserve(tx, "clay", [("acme.example", Decimal(3))], Decimal(99), "run", START)
        spend.begin(tx, [lost.id], START)
    shown = command("spend")
    assert "acme.example" in shown.output
    assert "stay reserved" in shown.output
    assert command("settle", str(lost.id), "--charged", "2.5", "--by", "sam@acme.example").exit_code == 0
    assert home.month("clay").charged == Decimal("2.5")
    again = command("settle", str(lost.id), "--released", "--by", "sam@acme.example")
    assert again.exit_code != 0
    assert "is no call that waits to be settled" in again.output
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        [entry] = audit.entries(tx, "credits.settle")
    assert (entry["actor"], entry["subject"]) == ("sam@acme.example", f"clay:{lost.id}")


def test_it_shows_which_source_was_right_how_often(home: Home) -> None:
    assert "Nothing was compared yet" in command("accuracy").output
    row = {"source": "clay", "field": "country", "answers": 9, "compared": 4, "right": 3, "share": 0.75}
    home.lake.write("market/provider_accuracy", DAY, filled("market/provider_accuracy", row).to_pyarrow())
    shown = command("accuracy")
    assert shown.exit_code == 0, shown.output
    assert re.search(r"country\s+.*clay.*9.*4.*3.*75%", shown.output)


def test_without_a_key_it_says_what_to_set(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZOOMINFO_CLIENT_SECRET")
    answer = command("--provider", "zoominfo")
    assert answer.exit_code != 0
    assert "ZOOMINFO_CLIENT_SECRET" in answer.output
    assert "choose one of clay, zoominfo" in command("--provider", "nobody").output
    assert home.month("zoominfo").committed == 0


def test_providers_are_jobs_that_nothing_launches_by_itself(home: Home) -> None:
    repository = defs.get_repository_def()
    for name in ("enrich_clay", "enrich_zoominfo"):
        assert repository.has_job(name)
        assert name not in {schedule.job_name for schedule in repository.schedule_defs}
        launched = [
            sensor for sensor in repository.sensor_defs if any(each.job_name == name for each in sensor.targets)
        ]
        assert launched == []
    assert home.month("clay").committed == 0


# --- a crash between the reservation and its settlement --------------------------------------------------------------


class Dying:
    """A provider whose process is killed while it is asked."""

    batch_size, repeats_are_free, units_free_since = 5, False, None

    def ask(self, questions: list[Question]) -> Reply:  # noqa: ARG002
        """Be killed, as by a lack of memory."""
        os._exit(137)

    def credits_left(self) -> None:
        """Say nothing of it."""


def _ask_and_die(url: str) -> None:
    state = open_state(url)
    rules = Enrichment(monthly_cap={"clay": Decimal(20)}, most_credits={"clay": Decimal(1)})
    wishes = [Candidate(f"c{n}.example", None, ("industry",), 0.0, 0) for n in range(30)]
    Asking(state, "clay", Dying(), rules, lambda: START, "first").ask(wishes)  # type: ignore[arg-type]


class Answering(Dying):
    """A provider that is asked, and whose answers are still to come."""

    def __init__(self) -> None:
        self.questions: list[Question] = []

    def ask(self, questions: list[Question]) -> Reply:
        """Note the questions."""
        self.questions += questions
        return Reply(reference="run_1")

    def collect(self, *_: Any, **__: Any) -> None:
        """Nothing has come yet."""


@pytest.mark.soak
def test_what_a_killed_run_reserved_is_neither_forgotten_nor_spent_again(home: Home) -> None:
    url = settings().state_url
    open_state(url).close()
    process = multiprocessing.get_context("spawn").Process(target=_ask_and_die, args=(url,))
    process.start()
    process.join()
    assert process.exitcode == 137
    assert home.month("clay").reserved == 5

    rules = Enrichment(monthly_cap={"clay": Decimal(20)}, most_credits={"clay": Decimal(1)})
    wishes = [Candidate(f"c{n}.example", None, ("industry",), 0.0, 0) for n in range(30)]
    provider = Answering()
    with closing(open_state(url)) as state:
        asking = Asking(state, "clay", provider, rules, lambda: START.replace(hour=20), "second")  # type: ignore[arg-type]
        report = asking.ask(wishes)
    assert report.in_doubt == 5
    assert [each.domain for each in provider.questions] == [f"c{n}.example" for n in range(5, 20)]
    assert home.month("clay").committed == 20
    assert "in doubt" in str(report)


# --- two runs at the end of the cap, one of which is killed -----------------------------------------------------------

CAP, SPENT = Decimal(1000), 990
LAST_CREDITS = Enrichment(monthly_cap={"clay": CAP}, most_credits={"clay": Decimal(1)}, max_age_days=90)


class Paid(Dying):
    """A provider that notes each company that it was paid for, in a file that all processes share."""

    batch_size = 2

    def __init__(self, bill: Path, dies_after: int = 99) -> None:
        self.bill, self.dies_after, self.calls = bill, dies_after, 0

    def ask(self, questions: list[Question]) -> Reply:
        """Take the money and answer; after so many calls the run is killed before it hears of it."""
        descriptor = os.open(self.bill, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, "".join(f"{each.domain}\n" for each in questions).encode())
        os.close(descriptor)
        self.calls += 1
        if self.calls > self.dies_after:
            os._exit(137)
        return Reply(tuple(Answer(each, "matched", b"{}", Decimal(1)) for each in questions))


def _ask_at_the_end(url: str, bill: Path, run: str, dies_after: int, hours: int = 0) -> None:
    """Ask about more companies than there are credits left, some of which the other run asks about, too."""
    wishes = [Candidate(f"{name}{n}.example", None, ("industry",), 0.0, 0) for n in range(6) for name in ("both", run)]
    moment = START + timedelta(hours=hours)
    with closing(open_state(url)) as state:
        Asking(state, "clay", Paid(bill, dies_after), LAST_CREDITS, lambda: moment, run).ask(wishes)  # type: ignore[arg-type]


@pytest.mark.soak
def test_two_runs_at_99_percent_of_the_cap_pay_for_no_company_more_though_a_run_is_killed(
    home: Home, tmp_path: Path
) -> None:
    url, bill = settings().state_url, tmp_path / "bill"
    with closing(open_state(url)) as state, state.writing() as tx:
        wishes = [(f"spent{n}.example", Decimal(1)) for n in range(SPENT)]
        ids = [each.id for each in spend.reserve(tx, "clay", wishes, CAP, "earlier", START)]
        spend.begin(tx, ids, START)
        for id in ids:
            spend.charge(tx, id, Decimal(1), START)
    spawn = multiprocessing.get_context("spawn")
    runs = [
        spawn.Process(target=_ask_at_the_end, args=(url, bill, run, dies_after))
        for run, dies_after in (("first", 1), ("second", 99))
    ]
    for process in runs:
        process.start()
    for process in runs:
        process.join()
    assert runs[1].exitcode == 0
    _ask_at_the_end(url, bill, "third", 99, hours=20)  # a day later, the killed run's money is still not forgotten
    paid = bill.read_text().split()
    assert len(paid) == len(set(paid)) == CAP - SPENT
    assert home.month("clay").committed == CAP


def test_nobody_is_asked_about_again_within_the_age_of_the_policy(home: Home, tmp_path: Path) -> None:
    wishes = [Candidate("acme.example", None, ("industry",), 0.0, 0)]
    asked = []
    for days in (0, 89, 91):
        bill = tmp_path / f"bill{days}"
        with closing(open_state(settings().state_url)) as state:
            at = START + timedelta(days=days)
            Asking(state, "clay", Paid(bill), LAST_CREDITS, lambda at=at: at, "run").ask(wishes)  # type: ignore[arg-type, misc]
        asked.append(bill.exists())
    assert asked == [True, False, True]
    assert home.month("clay").charged == 1
