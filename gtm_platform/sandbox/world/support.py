"""One person's conversations with support, and the few tickets that come of them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from gtm_platform.sandbox.intercom.store import (
    IntercomContact,
    IntercomConversation,
    IntercomPart,
    IntercomRating,
    IntercomTicket,
)
from gtm_platform.sandbox.world import fixtures, phrases
from gtm_platform.sandbox.world.agenda import Agenda
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.history import CaseHistory, IntercomHistory, PersonHistory, note
from gtm_platform.sandbox.world.people import Person

_PAST = timedelta(days=150)  # older conversations are of no interest to anybody
_RATINGS = {"plain": (3, 4, 4, 5, 5), "happy": (5, 5, 4), "angry": (1, 1, 2, 3), "cancel": (1, 2, 3, 4)}


class Support:
    """One person's conversations and tickets; `mood` says how the person feels at an instant.

    `first_id` sets the ids of what is written apart from those of the same person's other conversations.
    """

    def __init__(
        self,
        context: Context,
        agenda: Agenda,
        rng: Random,
        person: Person,
        person_history: PersonHistory,
        contact: IntercomContact,
        contact_history: IntercomHistory,
        mood: Callable[[datetime], str],
        first_id: int = 0,
    ) -> None:
        self._context = context
        self._agenda = agenda
        self._rng = rng
        self._person = person
        self._person_history = person_history
        self._contact = contact
        self._contact_history = contact_history
        self._every = 0.0
        self._mood = mood
        self._written = first_id

    def begin(self, every: float) -> None:
        """Turn to support again and again; `every` is the mean number of days between."""
        self._every = every
        self._expect(max(self._contact_history.since, self._context.start - _PAST))

    def _expect(self, at: datetime) -> None:
        days = self._rng.expovariate(1 / self._every)
        self._agenda.at((at + timedelta(days=days)).replace(microsecond=0), self._turn_to_support)

    def _turn_to_support(self, at: datetime) -> None:
        if self._contact_history.until:
            return
        if self._rng.random() < 0.07:
            self.open_ticket(at)
        else:
            self.write(at, self._mood(at))
        self._expect(at)

    def _later(self, at: datetime, low: int, high: int) -> datetime:
        """Some minutes on, more often sooner than later."""
        return at + timedelta(seconds=int(60 * (low + (high - low) * self._rng.random() ** 2)))

    def _id(self) -> str:
        self._written += 1
        return f"{self._person.number + 1}{self._written:05}"

    # --- Conversations ---

    def write(self, at: datetime, mood: str) -> None:
        """The person writes to support."""
        contact = self._contact
        if self._contact_history.until:
            return
        body = phrases.message(self._rng, mood, self._person.first)
        conversation = IntercomConversation(
            id=self._id(),
            contact_id=contact.id,
            created=at,
            updated=at,
            subject="" if self._rng.random() < 0.7 else "<p>Need some help</p>",
            body=body,
            author_type=contact.role,
            author_name=contact.name,
            author_email=contact.email,
            team_id=fixtures.TEAM_SUPPORT,
            waiting_since=at,
            last_contact_reply=at,
        )
        self._context.intercom.conversations[conversation.id] = conversation
        case = CaseHistory(self._contact_history, at, states=[(at, (True, False))])
        self._person_history.cases.append(case)
        self._replied(at, case, body)
        if self._rng.random() < {"angry": 0.3, "cancel": 0.15}.get(mood, 0.02):
            self._agenda.at(self._later(at, 2, 90), self._escalate, conversation, case)
        if self._rng.random() < 0.93:
            self._agenda.at(self._later(at, 5, 1200), self._answer, conversation, case, mood)
        if self._rng.random() < 0.006:
            self._agenda.at(self._later(at, 5000, 40000), self._delete, conversation, case)

    def _replied(self, at: datetime, case: CaseHistory, body: str) -> None:
        self._contact.last_replied = at
        self._contact.updated = max(self._contact.updated, at)
        if phrases.mentions_cancel(body):
            case.cancels.append(at)

    def _part(
        self, at: datetime, conversation: IntercomConversation, kind: str, body: str | None, admin: int | None
    ) -> None:
        contact = self._contact
        conversation.parts.append(
            IntercomPart(
                id=f"{conversation.id}{len(conversation.parts) + 1:03}",
                part_type=kind,
                body=body,
                created=at,
                author_type="admin" if admin else contact.role,
                author_id=str(admin) if admin else contact.id,
                author_name=fixtures.admin_name(admin) if admin else contact.name,
                author_email=fixtures.admin_email(admin) if admin else contact.email,
            )
        )
        conversation.updated = at

    def _note_state(self, at: datetime, conversation: IntercomConversation, case: CaseHistory) -> None:
        critical = conversation.priority == "priority" or any(tag == fixtures.CRITICAL for tag, _ in conversation.tags)
        note(case.states, at, (conversation.state != "closed", critical))

    def _escalate(self, at: datetime, conversation: IntercomConversation, case: CaseHistory) -> None:
        if conversation.deleted:
            return
        if self._rng.random() < 0.5:
            conversation.priority = "priority"
        else:
            conversation.tags.append((fixtures.CRITICAL, at))
        conversation.updated = at
        self._note_state(at, conversation, case)

    def _answer(self, at: datetime, conversation: IntercomConversation, case: CaseHistory, mood: str) -> None:
        if conversation.deleted:
            return
        rng, admin = self._rng, self._rng.choice(fixtures.SUPPORT_ADMINS)
        if conversation.admin_id is None:
            conversation.admin_id = admin
            self._part(at, conversation, "assignment", None, admin)
        if rng.random() < 0.2:
            self._part(at, conversation, "note", phrases.internal_note(rng), admin)
        if rng.random() < 0.12:
            conversation.tags.append((rng.choice((fixtures.VIP, fixtures.BUG, fixtures.BILLING)), at))
        self._part(at, conversation, "comment", phrases.answer(rng, mood, self._person.first), admin)
        conversation.first_admin_reply = conversation.first_admin_reply or at
        conversation.last_admin_reply = self._contact.last_contacted = at
        self._contact.updated = max(self._contact.updated, at)
        conversation.waiting_since, conversation.read = None, True
        if rng.random() < 0.15:
            self._snooze(at, conversation, case, mood, admin)
            return
        self._note_state(at, conversation, case)
        self._await_customer(at, conversation, case, mood)

    def _snooze(
        self, at: datetime, conversation: IntercomConversation, case: CaseHistory, mood: str, admin: int
    ) -> None:
        """Put it aside for some days. It stays open."""
        conversation.state = "snoozed"
        conversation.snoozed_until = at + timedelta(days=self._rng.choice((1, 2, 3, 7)))
        self._part(at, conversation, "snoozed", None, admin)
        self._note_state(at, conversation, case)
        self._agenda.at(conversation.snoozed_until, self._wake, conversation, case, mood)

    def _wake(self, at: datetime, conversation: IntercomConversation, case: CaseHistory, mood: str) -> None:
        if conversation.deleted:
            return
        conversation.state, conversation.snoozed_until = "open", None
        self._part(at, conversation, "open", None, conversation.admin_id)
        self._note_state(at, conversation, case)
        self._await_customer(at, conversation, case, mood)

    def _await_customer(self, at: datetime, conversation: IntercomConversation, case: CaseHistory, mood: str) -> None:
        if self._rng.random() < 0.5 and len(conversation.parts) < 12:
            self._agenda.at(self._later(at, 5, 2000), self._follow_up, conversation, case, mood)
        else:
            self._agenda.at(self._later(at, 10, 4000), self._close, conversation, case, mood)

    def _follow_up(self, at: datetime, conversation: IntercomConversation, case: CaseHistory, mood: str) -> None:
        if conversation.deleted or self._contact_history.until:
            return
        body = phrases.follow_up(self._rng, mood)
        if conversation.state == "closed":
            conversation.reopens += 1
            self._part(at, conversation, "open", None, None)
        conversation.state, conversation.snoozed_until, conversation.read = "open", None, False
        self._part(at, conversation, "comment", body, None)
        conversation.waiting_since = conversation.last_contact_reply = at
        self._replied(at, case, body)
        self._note_state(at, conversation, case)
        self._agenda.at(self._later(at, 5, 1500), self._answer, conversation, case, mood)

    def _close(self, at: datetime, conversation: IntercomConversation, case: CaseHistory, mood: str) -> None:
        if conversation.deleted:
            return
        conversation.state, conversation.snoozed_until = "closed", None
        conversation.first_close = conversation.first_close or at
        conversation.last_close = at
        self._part(at, conversation, "close", None, conversation.admin_id)
        self._note_state(at, conversation, case)
        if not conversation.rating and self._rng.random() < 0.5:
            conversation.rating = IntercomRating(requested=at, admin_id=str(conversation.admin_id))
            if self._rng.random() < 0.65:
                self._agenda.at(self._later(at, 3, 3000), self._rate, conversation, case, mood)
        if self._rng.random() < 0.1:
            self._agenda.at(self._later(at, 300, 6000), self._follow_up, conversation, case, mood)

    def _rate(self, at: datetime, conversation: IntercomConversation, case: CaseHistory, mood: str) -> None:
        if conversation.deleted or self._contact_history.until or not conversation.rating:
            return
        rating = self._rng.choice(_RATINGS[mood])
        conversation.rating.rating, conversation.rating.replied = rating, at
        conversation.rating.remark = phrases.remark(self._rng, rating)
        conversation.updated = at
        case.rating = (at, rating)

    def _delete(self, at: datetime, conversation: IntercomConversation, case: CaseHistory) -> None:
        conversation.deleted = case.until = at

    # --- Tickets ---

    def open_ticket(self, at: datetime, resolved: bool = True) -> None:
        """The person has a critical ticket, which is resolved after some days or stays open."""
        if self._contact_history.until:
            return
        id_ = self._id()
        title = phrases.ticket(self._rng)
        ticket = IntercomTicket(
            id=id_,
            ticket_id=id_[-6:].lstrip("0"),
            contact_id=self._contact.id,
            title=title,
            description=f"<p>{title}.</p>",
            created=at,
            updated=at,
            admin_id=str(self._rng.choice(fixtures.SUPPORT_ADMINS)),
            team_id=str(fixtures.TEAM_SUPPORT),
        )
        self._context.intercom.tickets[id_] = ticket
        case = CaseHistory(self._contact_history, at, is_ticket=True, states=[(at, (True, True))])
        self._person_history.cases.append(case)
        if resolved:
            self._agenda.at(self._later(at, 30, 3000), self._move_ticket, ticket, case, "in_progress")

    def _move_ticket(self, at: datetime, ticket: IntercomTicket, case: CaseHistory, state: str) -> None:
        ticket.state, ticket.updated = state, at
        if state == "resolved":
            ticket.open = False
            note(case.states, at, (False, True))
            return
        following = "waiting_on_customer" if state == "in_progress" and self._rng.random() < 0.4 else "resolved"
        self._agenda.at(self._later(at, 600, 20000), self._move_ticket, ticket, case, following)
