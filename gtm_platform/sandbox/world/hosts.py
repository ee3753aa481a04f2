"""The firm's own people who talk to customers, as Calendly and Fathom know them, and the kinds of calls."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gtm_platform.sandbox.calendly.store import CalendlyEvent, CalendlyEventType, CalendlyInvitee, CalendlyStore
from gtm_platform.sandbox.calendly.store import CalendlyUser as User
from gtm_platform.sandbox.fathom.access import KEYS
from gtm_platform.sandbox.fathom.store import FathomMember, FathomStore
from gtm_platform.sandbox.world.fixtures import ACCOUNT_MANAGERS, COMPANY_DOMAIN, SUPPORT

# By the place of a country among names.COUNTRIES.
TIMEZONES = (
    "America/Chicago",
    "America/New_York",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Paris",
    "Europe/Amsterdam",
    "Asia/Tokyo",
    "America/Toronto",
)
ACTION_ITEMS = (
    "Send {guest} the revised quote",
    "Share the recording of the export workshop",
    "Check the limits of the API for {guest}'s team",
    "Introduce {guest} to the solutions team",
    "Send the security questionnaire",
    "Find out why the last import failed",
)
TEAMS = ("Customer Success", "Sales")


@dataclass(frozen=True)
class CallKind:
    """A kind of call; a collective one has two hosts."""

    name: str
    slug: str
    minutes: int
    collective: bool = False


EVENT_TYPES = (
    CallKind("Onboarding call", "onboarding", 45),
    CallKind("Check-in", "check-in", 30),
    CallKind("Product demo", "demo", 30),
    CallKind("Quarterly review", "review", 60, collective=True),
)


def covering(manager: int) -> int:
    """The account manager who takes the calls; a colleague, where the manager has left."""
    place = manager % len(ACCOUNT_MANAGERS)
    return covering(place + 3) if ACCOUNT_MANAGERS[place].left else place


def name(host: int) -> str:
    """A host's name."""
    return f"{ACCOUNT_MANAGERS[host].first} {ACCOUNT_MANAGERS[host].last}"


def email(host: int) -> str:
    """A host's address, the same as the HubSpot owner's."""
    return ACCOUNT_MANAGERS[host].email


def user_uuid(host: int) -> str:
    """A host's uuid in Calendly."""
    return f"USR{host:013}"


def event_type_uuid(host: int, kind: CallKind) -> str:
    """The uuid of a host's own event type."""
    return f"TYP{host:08}{EVENT_TYPES.index(kind):05}"


def add_calendly_fixtures(store: CalendlyStore, start: datetime) -> None:
    """Hosts, what can be booked with each, and a call by which a host tried it out."""
    long_ago = start - timedelta(days=1300)
    for place, manager in enumerate(ACCOUNT_MANAGERS):
        if manager.left:
            continue
        joined = long_ago + timedelta(days=place, seconds=17)
        role = "owner" if place == 0 else "admin" if place == 1 else "user"
        store.users[user_uuid(place)] = User(user_uuid(place), name(place), manager.email, role, joined, joined)
        for kind in EVENT_TYPES:
            uuid = event_type_uuid(place, kind)
            pooling = "collective" if kind.collective else None
            store.event_types[uuid] = CalendlyEventType(
                uuid, kind.name, kind.slug, kind.minutes, user_uuid(place), joined, pooling_type=pooling
            )
        _try_out(store, place, start - timedelta(days=20 + place))


def _try_out(store: CalendlyStore, host: int, at: datetime) -> None:
    uuid = f"EVTTEST{host:08}"
    kind, begin = EVENT_TYPES[1], at.replace(hour=12, minute=0, second=0, microsecond=0)
    booked = begin - timedelta(hours=5)
    event = CalendlyEvent(
        uuid, kind.name, event_type_uuid(host, kind), [user_uuid(host)], begin,
        begin + timedelta(minutes=kind.minutes), booked, booked,
    )  # fmt: skip
    invitee = CalendlyInvitee(
        f"INVTEST{host:08}", uuid, f"test+{host}@{COMPANY_DOMAIN}", name(host), booked, booked, TIMEZONES[1]
    )
    event.invitees.append(invitee)
    store.events[uuid], store.invitees[invitee.uuid] = event, invitee


def add_fathom_fixtures(store: FathomStore, start: datetime) -> None:
    """Those who record their calls, each with a key; support has none."""
    long_ago = start - timedelta(days=700)
    for place, colleague in enumerate((*ACCOUNT_MANAGERS, *SUPPORT)):
        if colleague.left:
            continue
        is_host = place < len(ACCOUNT_MANAGERS)
        store.members[colleague.email] = FathomMember(
            f"{colleague.first} {colleague.last}",
            colleague.email,
            TEAMS[place % len(TEAMS)] if is_host else None,
            long_ago + timedelta(days=place),
            key=KEYS[place] if is_host else None,
        )
