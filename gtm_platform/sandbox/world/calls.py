"""One person's calls with their account manager: booked in Calendly, called off, moved, missed, held, recorded."""

from datetime import datetime, timedelta
from random import Random

from gtm_platform.sandbox.calendly.store import CalendlyEvent, CalendlyInvitee, Cancellation, NoShow
from gtm_platform.sandbox.fathom.store import FathomActionItem, FathomInvitee, FathomMeeting
from gtm_platform.sandbox.world import fixtures, hosts
from gtm_platform.sandbox.world.agenda import DAY, Agenda
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.history import CallHistory, PersonHistory, RecordHistory
from gtm_platform.sandbox.world.people import Person

_PAST = timedelta(days=104)  # bookings that lead to calls of the last 90 days
_REASONS = ("Conflict", "Sick today", "No longer needed", "Wrong time zone", "")
_MOODS = {"leaving": ("worried", "worried", "plain"), "staying": ("plain", "happy", "happy")}


class Calls:
    """`addresses` are those under which the person books, the usual one first.

    `every` is the mean number of days.
    """

    def __init__(
        self,
        context: Context,
        agenda: Agenda,
        rng: Random,
        person: Person,
        person_history: PersonHistory,
        addresses: tuple[str, ...],
        manager: int,
        every: float,
        since: datetime,
        churns: datetime | None,
        contact_id: str | None,
    ) -> None:
        self._context = context
        self._agenda = agenda
        self._rng = rng
        self._person = person
        self._history = person_history
        self._addresses = addresses
        self._host = hosts.covering(manager)
        self._every = every
        self._churns = churns
        self._contact_id = contact_id
        self._count = 0
        self._expect(max(since, context.start - _PAST))

    def _expect(self, at: datetime) -> None:
        days = self._rng.expovariate(1 / self._every)
        self._agenda.at((at + timedelta(days=days)).replace(microsecond=0), self._book_anew)

    def _book_anew(self, at: datetime) -> None:
        self._book(at, None)
        self._expect(at)

    def _slot(self, at: datetime) -> datetime:
        """A quarter of an hour on some weekday to come, at the office hours of Europe and America."""
        day = (at + timedelta(days=self._rng.uniform(1, 13))).replace(hour=0, minute=0, second=0, microsecond=0)
        while day.weekday() >= 5:
            day += DAY
        slot = day + timedelta(minutes=15 * self._rng.randrange(4 * 9, 4 * 20))
        return slot if slot > at + timedelta(hours=2) else slot + 7 * DAY

    # --- Booking ---

    def _book(self, at: datetime, old: CalendlyInvitee | None) -> CalendlyInvitee:
        rng, number = self._rng, self._person.number
        self._count += 1
        kind = hosts.EVENT_TYPES[rng.randrange(len(hosts.EVENT_TYPES))]
        start = self._slot(at)
        event = CalendlyEvent(
            uuid=f"EVT{number:08X}{self._count:04}",
            name=kind.name,
            event_type=hosts.event_type_uuid(self._host, kind),
            hosts=[hosts.user_uuid(self._host)],
            start=start,
            end=start + timedelta(minutes=kind.minutes),
            created=at,
            updated=at + timedelta(seconds=2),
            location=rng.choice(("zoom_conference", "zoom_conference", "google_conference", "outbound_call", None)),
        )
        if kind.collective:
            event.hosts.append(hosts.user_uuid(hosts.covering(self._host + 1)))
        invitee = self._invitee(event, at)
        if old:
            invitee.old = (old.event, old.uuid)
        self._context.calendly.events[event.uuid] = event
        self._context.calendly.invitees[invitee.uuid] = invitee
        call = CallHistory(start, event.end, [(at, "booked")])
        self._history.calls.append(call)
        self._foresee(at, event, invitee, call)
        return invitee

    def _invitee(self, event: CalendlyEvent, at: datetime) -> CalendlyInvitee:
        person, rng = self._person, self._rng
        email = self._addresses[0] if rng.random() < 0.7 else rng.choice(self._addresses)
        email = f"{email[0].upper()}{email[1:]}" if rng.random() < 0.1 else email
        split = rng.random() < 0.3
        invitee = CalendlyInvitee(
            uuid=f"INV{event.uuid[3:]}",
            event=event.uuid,
            email=email,
            name=person.name,
            created=at,
            updated=at,
            timezone=hosts.TIMEZONES[person.country],
            first_name=person.first if split else None,
            last_name=person.last if split else None,
            company=person.company.name if person.company and rng.random() < 0.6 else None,
            utm_source=rng.choice((None, None, "hubspot", "newsletter", "intercom")),
        )
        event.invitees.append(invitee)
        self._record("calendly", at, email)
        return invitee

    def _record(self, system: str, at: datetime, email: str) -> None:
        """Whoever is known under an address is a record of it in the system, by the address in lower case."""
        records = self._history.records.setdefault(system, [])
        if email.lower() not in (record.id for record in records):
            record = RecordHistory(email.lower(), at)
            record.add_email(at, email)
            records.append(record)

    def _foresee(self, at: datetime, event: CalendlyEvent, invitee: CalendlyInvitee, call: CallHistory) -> None:
        """Decide what becomes of the call."""
        rng, roll = self._rng, self._rng.random()
        meanwhile = at + (event.start - at) * rng.uniform(0.05, 0.98)
        meanwhile = meanwhile.replace(microsecond=0)
        later = event.end + timedelta(minutes=rng.randrange(10, 2880))
        if roll < 0.08:
            missed = rng.random() < 0.2  # the person was not there, and asks for another day
            self._agenda.at(later if missed else meanwhile, self._move, event, invitee, call)
        elif roll < 0.2:
            self._agenda.at(meanwhile, self._cancel, event, invitee, call)
        elif roll < (0.4 if self._leaves_soon(event.start) else 0.3):
            self._agenda.at(later, self._miss, invitee, call)
        else:
            self._agenda.at(event.end, self._hold, event, invitee)

    def _leaves_soon(self, at: datetime) -> bool:
        return self._churns is not None and timedelta() <= self._churns - at < 45 * DAY

    def _cancel(self, at: datetime, event: CalendlyEvent, invitee: CalendlyInvitee, call: CallHistory) -> None:
        by_host = self._rng.random() < 0.25
        by = hosts.name(self._host) if by_host else invitee.name
        cancellation = Cancellation(by, "host" if by_host else "invitee", self._rng.choice(_REASONS), at)
        event.cancellation = invitee.cancellation = cancellation
        event.updated = invitee.updated = at
        call.states.append((at, "canceled"))

    def _move(self, at: datetime, event: CalendlyEvent, invitee: CalendlyInvitee, call: CallHistory) -> None:
        """Rescheduling cancels the invitee and makes a new event with a new one."""
        cancellation = Cancellation(invitee.name, "invitee", "", at)
        event.cancellation = invitee.cancellation = cancellation
        invitee.rescheduled = True
        event.updated = invitee.updated = at
        call.states.append((at, "rescheduled"))
        new = self._book(at, invitee)
        invitee.new = (new.event, new.uuid)

    def _miss(self, at: datetime, invitee: CalendlyInvitee, call: CallHistory) -> None:
        """The host marks a no-show, which does not touch the event."""
        invitee.no_show = NoShow(f"NS{invitee.uuid[3:]}", at)
        invitee.updated = at
        self._context.calendly.no_shows[invitee.no_show.uuid] = invitee.uuid
        call.states.append((at, "no_show"))
        if self._rng.random() < 0.05:  # it was a mistake
            self._agenda.at(at + timedelta(hours=self._rng.randrange(1, 48)), self._unmark, invitee, call)

    def _unmark(self, at: datetime, invitee: CalendlyInvitee, call: CallHistory) -> None:
        if invitee.no_show:
            del self._context.calendly.no_shows[invitee.no_show.uuid]
        invitee.no_show, invitee.updated = None, at
        call.states.append((at, "booked"))

    # --- The recording ---

    def _hold(self, at: datetime, event: CalendlyEvent, invitee: CalendlyInvitee) -> None:
        if self._rng.random() < 0.8:
            begun = event.start + timedelta(seconds=self._rng.randrange(20, 200))
            self._agenda.at(at + timedelta(seconds=self._rng.randrange(120, 900)), self._process, event, invitee, begun)

    def _process(self, at: datetime, event: CalendlyEvent, invitee: CalendlyInvitee, begun: datetime) -> None:
        """The recording appears, and a few minutes later what was made of it."""
        rng, person = self._rng, self._person
        impromptu = rng.random() < 0.04  # without a calendar event nobody knows who was there
        mood = rng.choice(_MOODS["leaving" if self._leaves_soon(event.start) else "staying"])
        host = hosts.email(self._host)
        meeting = FathomMeeting(
            recording_id=100_000_000 + person.number * 64 + int(event.uuid[-4:]),
            title="Impromptu call"
            if impromptu
            else f"{event.name}: {person.company.name if person.company else person.name}",
            host=host,
            guest=person.first,
            mood=mood,
            invitees=[]
            if impromptu
            else [
                FathomInvitee(hosts.name(self._host), host, False),
                FathomInvitee(person.name if rng.random() < 0.9 else None, invitee.email, True),
            ],
            scheduled=(event.start, event.end),
            recorded=(begun, event.end),
            created=at,
            ready=at + timedelta(minutes=rng.randrange(4, 40)),
            meeting_type=None if impromptu or rng.random() < 0.3 else event.name,
            calendar_title=None if impromptu else event.name,
            shared_with=rng.choice(("no_teams", "no_teams", "single_team", "all_teams")),
            contact_id=self._contact_id,
        )
        for _ in range(rng.randrange(4)):
            done = at + timedelta(hours=rng.randrange(2, 200)) if rng.random() < 0.7 else None
            assignee = host if rng.random() < 0.8 else fixtures.SUPPORT[0].email
            text = rng.choice(hosts.ACTION_ITEMS).format(guest=person.first)
            meeting.action_items.append(FathomActionItem(text, rng.randrange(60, 1500), assignee, done))
        self._context.fathom.meetings[meeting.recording_id] = meeting
        if not impromptu:
            self._record("fathom", at, invitee.email)
