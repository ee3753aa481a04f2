"""The process that follows webhooks at once: reads the open window, computes whom it touches, delivers, reads back.

It takes nothing from anybody: the runs of sources, tables and deliveries do all of it again at their time. So what it
cannot do is left to them and counted, and an event that it missed loses nothing.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.gate import newest_day
from gtm_platform.delivery.hotpath.alerting import alerts_of
from gtm_platform.delivery.hotpath.company_reach import NO_IDS
from gtm_platform.delivery.hotpath.computing import HotPart, HotRows, hot_rows
from gtm_platform.delivery.hotpath.delivering import HotDelivery, digests, planned, send
from gtm_platform.delivery.hotpath.hot_tables import HotTables, LeftToTables, require_made, today_of
from gtm_platform.delivery.hotpath.reading import own_folder, read_open_window, readable, sweep_own_files
from gtm_platform.delivery.hotpath.switch import off
from gtm_platform.delivery.hotpath.triggering import put_messages, subscribed
from gtm_platform.delivery.hubspot.client import open_client
from gtm_platform.delivery.hubspot.guard import DeliveryStopped
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.report import DeliveryReport
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.delivery.hubspot.turns import writing_alone
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.ingest.plan import SyncRules
from gtm_platform.lake.changed_records import rows_of
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.overlay import scratch_folder
from gtm_platform.lake.some_customers import COMPANY, CUSTOMER
from gtm_platform.policy import policy
from gtm_platform.settings import settings_of
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform.sources.hubspot.client import HubSpotClient
from gtm_platform.state import State, slack_journal
from gtm_platform.state.hook_events import ToRead, arrived_after, newest_id
from gtm_platform.state.hot_path import (
    DELIVERED,
    FAILED,
    LEFT,
    NOTHING,
    SUBJECTS,
    HotRecord,
    HotRun,
    Subject,
    TablesMade,
    followed_until,
    forget_comparisons,
    forget_other_days,
    forget_records,
    forget_runs,
    note_followed,
    note_records,
    note_run,
    tables_made,
)

log = logging.getLogger(__name__)
PEOPLE = "identity/people"
TIDIED_EVERY = timedelta(hours=1)
LONGEST_REASON = 300
SHOWN_WHOLE, GATE, GUARD, COMPANY_GATE = "shown_whole", "gate", "guard", "company_gate"
BY_COLUMN: Mapping[str, Subject] = {column: subject for subject, (_, column) in SUBJECTS.items()}

Gate = Callable[[str], Sequence[str]]  # of a day: why its tables may not be delivered
Stale = Callable[[Lake, ObjectType], Mapping[str, str]]  # properties that wait for fresh data, each with the reason
Clock = Callable[[], datetime]


@dataclass
class Stages:
    """How long each stage of a run took, in milliseconds."""

    took: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add to a stage what the block takes."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.took[name] = self.took.get(name, 0) + round((time.monotonic() - began) * 1000)


@dataclass
class HotWorker:
    """Follows the events of hooks as they come; `step` does what is due."""

    lake: Lake
    state: State
    tables: HotTables
    rules: Callable[[], SyncRules]
    gate: Gate
    company_gate: Gate
    stale: Stale
    now: Clock
    _seen: int = -1
    _waiting: dict[str, ToRead] = field(default_factory=dict)
    _last: datetime | None = None
    _tidied: datetime | None = None

    def step(self) -> HotRun | None:
        """Look for events; follow them where enough time has passed. Return what was done, if anything."""
        self._tidy()
        self._look()
        due = self._due()
        if not due:
            return None
        if off(self.state):
            self._waiting.clear()  # what comes while it is off is the daily tables' business
            with self.state.writing() as tx:
                note_followed(tx, self._seen, self.now())
            return None
        for source in due:
            del self._waiting[source]
        run = self._follow(due)
        self._last = self.now()
        with self.state.writing() as tx:
            note_run(tx, run)
            note_followed(tx, min((each.first_id - 1 for each in self._waiting.values()), default=self._seen), run.at)
        return run

    def warm_up(self) -> None:
        """Compute somebody's rows and send nothing: the first event does not wait for what is built but once.

        What comes meanwhile is followed afterwards.
        """
        if self._seen < 0:
            self._begin()
        day = newest_day(self.lake)
        try:
            today_of(day, self.now().date())
            with scratch_folder(self.lake) as scratch:
                people = self.lake.read_day(PEOPLE, day)
                [(customer, company)] = rows_of(people.filter(people[COMPANY].notnull()).limit(1)[CUSTOMER, COMPANY])
                made, rows = self._computed(day, scratch, frozenset({str(customer)}), frozenset({str(company)}))
                for delivery in planned(rows, self.lake):
                    self.stale(self.lake, delivery.object_type)
            self.gate(made.day)
            self.company_gate(made.day)
        except Exception as error:  # the first event meets it again, and then it is said
            log.info("Nothing was computed beforehand: %s", type(error).__name__)

    def _look(self) -> None:
        """Take note of events that came, at first of those that a worker before this one had not followed to the end.

        What came before any worker ever began, or long ago, is left to the runs of its source.
        """
        if self._seen < 0:
            self._begin()
        with self.state.reading() as tx:
            arrived = arrived_after(tx, self._seen)
        for source, events in arrived.items():
            self._seen = max(self._seen, events.last_id)
            before = self._waiting.get(source)
            self._waiting[source] = _joined(before, events) if before else events

    def _begin(self) -> None:
        oldest = self.now() - timedelta(minutes=policy().hooks.hot.resume_minutes)
        with self.state.writing() as tx:
            followed = followed_until(tx)
            self._seen = newest_id(tx) if followed is None else max(followed, newest_id(tx, oldest))
            note_followed(tx, self._seen, self.now())

    def _due(self) -> dict[str, ToRead]:
        rules, now = policy().hooks.hot, self.now()
        if self._last and now - self._last < timedelta(seconds=rules.gap_seconds):
            return {}
        settled, longest = timedelta(seconds=rules.settle_seconds), timedelta(seconds=rules.longest_settle_seconds)
        return {
            source: events
            for source, events in self._waiting.items()
            if now - events.last_at >= settled or now - events.first_at >= longest
        }

    def _follow(self, due: Mapping[str, ToRead]) -> HotRun:
        run = Run(str(uuid.uuid4()), newest_day(self.lake), self.now)
        first, last = min(each.first_at for each in due.values()), max(each.last_at for each in due.values())
        stages, outcome = Stages(), Outcome()
        stages.took["waited"] = max(0, round((self.now() - first).total_seconds() * 1000))
        try:
            self._do(due, run, stages, outcome)
        except (LeftToTables, DeliveryStopped) as left:
            outcome.is_left(left.cause if isinstance(left, LeftToTables) else GUARD, str(left))
        except Exception as error:
            # Whatever it is, the runs of the source and of the tables do it again, and say what is wrong with it.
            log.warning("The hot path failed for %s: %s", ", ".join(sorted(due)), type(error).__name__)
            outcome.name, outcome.reason = FAILED, f"{type(error).__name__}: {error}"
        return HotRun(
            run_id=run.id,
            sources=",".join(sorted(due)),
            day=run.day,
            outcome=outcome.name,
            reason=outcome.reason and outcome.reason[:LONGEST_REASON],
            events=sum(each.events for each in due.values()),
            customers=outcome.customers,
            fields=outcome.fields,
            left=outcome.left,
            stages=stages.took,
            first_event_at=first,
            last_event_at=last,
            at=self.now(),
            messages=outcome.messages,
            alerts=outcome.alerts,
            companies=outcome.companies,
        )

    @redact_exceptions()
    def _do(self, due: Mapping[str, ToRead], run: Run, stages: Stages, outcome: "Outcome") -> None:
        today_of(run.day, run.now().date())
        self._made(run.day)
        if reasons := self.gate(run.day):
            raise LeftToTables(GATE, reasons[0])
        with stages.stage("read"):
            if not self._read(due, run, outcome):
                return
        with scratch_folder(self.lake) as scratch:
            with stages.stage("computed"):
                made, rows = self._computed(run.day, scratch / "first")
            outcome.left |= rows.left
            with stages.stage("turn"):
                turn = ExitStack()
                turn.enter_context(writing_alone("follows webhooks"))
            with turn:
                if self._made(run.day) != made:  # everything was computed in the meantime
                    with stages.stage("computed"):
                        made, rows = self._computed(run.day, scratch / "again")
                self._deliver(rows, run, stages, outcome)

    def _read(self, due: Mapping[str, ToRead], run: Run, outcome: "Outcome") -> bool:
        """Read the open windows of the sources that spoke; return whether any was read."""
        was_read = False
        for source in SCHEDULED:
            if source.name not in due or source.off() or not settings_of(source.settings).reads_api:
                continue
            streams = readable(source, due[source.name].streams, self.lake)
            if whole := len(due[source.name].streams) - len(streams):
                outcome.left[SHOWN_WHOLE] = outcome.left.get(SHOWN_WHOLE, 0) + whole
            if streams:
                read_open_window(source, streams, self.lake, self.rules(), run.now(), run.id)
                was_read = True
        return was_read

    def _made(self, day: str) -> TablesMade:
        with self.state.reading() as tx:
            made = tables_made(tx, day)
        return require_made(self.lake, self.tables, day, made)

    def _computed(
        self, day: str, scratch: Path, also: frozenset[str] = NO_IDS, also_companies: frozenset[str] = NO_IDS
    ) -> tuple[TablesMade, HotRows]:
        until, made = f"{time.time_ns():020d}", self._made(day)
        with self.state.reading() as tx:
            companies_made = tables_made(tx, day, "companies")
        most = policy().hooks.hot.most_customers
        return made, hot_rows(
            self.lake, own_folder(), self.tables, made, scratch, until, most, also, also_companies, companies_made
        )

    def _deliver(self, rows: HotRows, run: Run, stages: Stages, outcome: "Outcome") -> None:
        if rows.companies.ready and self.company_gate(run.day):
            outcome.left[COMPANY_GATE] = len(rows.companies.ready)
            rows = replace(rows, companies=replace(rows.companies, ready=frozenset()))
        outcome.customers, outcome.companies = len(rows.ready), len(rows.companies.ready)
        if not any(part.ready and part.tables for part in rows.parts):
            return
        with stages.stage("planned"):
            deliveries = planned(rows, self.lake)
            outcome.messages, outcome.alerts = self._note(rows, deliveries, run)
        with stages.stage("delivered"), closing(open_client(settings_of(HubSpotDeliverySettings))) as client:
            stops = [stop for each in deliveries if (stop := self._send(each, client, run, outcome))]
        if stops:
            raise stops[0]

    def _send(
        self, delivery: HotDelivery, client: HubSpotClient, run: Run, outcome: "Outcome"
    ) -> DeliveryStopped | None:
        """Send one type of objects; return why the guard stopped it, which leaves the other to be sent."""
        try:
            report = send(delivery, client, self.state, run, self.stale(self.lake, delivery.object_type))
        except DeliveryStopped as stop:  # nothing was written: the next delivery of everything asks
            if not outcome.messages and not outcome.alerts:
                with self.state.writing() as tx:
                    subject = BY_COLUMN[delivery.object_type.subject]
                    forget_records(tx, subject, [record.subject_id for record in delivery.desired])
            return stop
        outcome.wrote(report)
        return None

    def _note(self, rows: HotRows, deliveries: Sequence[HotDelivery], run: Run) -> tuple[int, int]:
        """Keep whose rows these are before they are sent, so that no delivery sets them back, and they are compared.

        In the same transaction, what of it is news is written down for whom it is to be sent to: return how many
        messages to who subscribed to changes that is, and how many alerts.
        """
        subjects, alerts = subscribed(rows, self.lake, self.state), alerts_of(rows, self.lake, self.state)
        is_news = bool(subjects or alerts)
        noted = {
            BY_COLUMN[part.subject]: self._records(rows, part, deliveries, run, is_news=is_news) for part in rows.parts
        }
        with self.state.writing() as tx:
            for subject, records in noted.items():
                note_records(tx, subject, records)
            channel = settings_of(SlackSettings).slack_alert_channel or ""
            messages = put_messages(tx, rows, subjects, self.state, run.id, run.now()) if subjects else 0
            return messages, slack_journal.intend(tx, alerts, channel, run.now())

    def _records(
        self, rows: HotRows, part: HotPart, deliveries: Sequence[HotDelivery], run: Run, *, is_news: bool
    ) -> list[HotRecord]:
        """Return what is kept of the customers, or of the companies, that are sent or of whom something is said."""
        sent = {
            record.subject_id
            for delivery in deliveries
            if delivery.object_type.subject == part.subject
            for record in delivery.desired
        }
        ids = sorted(sent | (part.ready if is_news else frozenset()))
        of_each = digests(part, rows.lake, rows.day, ids)
        return [HotRecord(each, rows.day, rows.until, of_each[each], run.now()) for each in ids]

    def _tidy(self) -> None:
        now = self.now()
        if self._tidied and timedelta() <= now - self._tidied < TIDIED_EVERY:
            return
        self._tidied = now
        sweep_own_files()
        with self.state.writing() as tx:
            oldest = now - timedelta(days=policy().hooks.hot.keep_runs_days)
            forget_runs(tx, oldest)
            forget_comparisons(tx, oldest)
            forget_other_days(tx, [str(now.date()), str(now.date() - timedelta(days=1))])


@dataclass
class Outcome:
    """What became of a run, as it goes on."""

    name: str = NOTHING
    reason: str | None = None
    customers: int = 0
    companies: int = 0
    fields: int = 0
    messages: int = 0  # to who subscribed to changes
    alerts: int = 0
    left: dict[str, int] = field(default_factory=dict)

    def wrote(self, report: DeliveryReport) -> None:
        """Add what became of one type of objects."""
        self.fields += report.fields_written
        if report.written:
            self.name = DELIVERED
        for name, count in (("rejected", report.rejected), ("held", report.held_back)):
            if count:
                self.left[name] = self.left.get(name, 0) + count

    def is_left(self, cause: str, sentence: str) -> None:
        """Note that all of it is left to the tables."""
        self.name, self.reason = LEFT, sentence
        self.left[cause] = self.left.get(cause, 0) + 1


def _joined(before: ToRead, after: ToRead) -> ToRead:
    streams, events = before.streams | after.streams, before.events + after.events
    return ToRead(events, before.first_at, after.last_at, after.last_id, streams, before.first_id)
