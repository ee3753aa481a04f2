"""Tags that a client makes, puts on contacts and takes off again."""

from collections.abc import Callable
from datetime import datetime

from gtm_platform.sandbox.intercom.call import Call
from gtm_platform.sandbox.intercom.contacts import visible
from gtm_platform.sandbox.intercom.errors import invalid, not_found
from gtm_platform.sandbox.intercom.store import IntercomContact, IntercomStore
from gtm_platform.sandbox.intercom.wire import Shape
from gtm_platform.sandbox.kit.write_log import Actions, Persist, Write, WriteLog

FIRST_ID = 100_000  # of the tags that clients make


def _make(store: IntercomStore, write: Write, _: datetime) -> None:
    store.tags[write["id"]] = write["name"]


def _tag(store: IntercomStore, write: Write, at: datetime) -> None:
    contact = store.contacts[write["contact"]]
    if write["tag"] not in contact.tags:
        contact.tags.append(write["tag"])
        contact.updated = at


def _untag(store: IntercomStore, write: Write, at: datetime) -> None:
    contact = store.contacts[write["contact"]]
    if write["tag"] in contact.tags:
        contact.tags.remove(write["tag"])
        contact.updated = at


ACTIONS: Actions[IntercomStore, None] = {"make_tag": _make, "tag": _tag, "untag": _untag}


class Tagging:
    """The answers around the tags of one store."""

    def __init__(self, store: IntercomStore, clock: Callable[[], datetime], persist: Persist) -> None:
        self._store = store
        self._log = WriteLog(store, clock, persist, ACTIONS)

    def make(self, call: Call) -> Shape:
        """The tag of a name, which is made where there is none; case makes no other name."""
        body = call.json()
        name = body.get("name")
        if not isinstance(name, str) or not name.strip() or body.keys() & {"companies", "users", "id"}:
            raise invalid("invalid tag parameters")
        existing = next((id for id, each in self._store.tags.items() if each.lower() == name.lower()), None)
        if existing is None:
            existing = str(max([FIRST_ID, *(int(id) for id in self._store.tags if id.isdecimal())]) + 1)
            self._log.do({"do": "make_tag", "id": existing, "name": name})
        return self._shape(existing)

    def tag(self, call: Call) -> Shape:
        """Put a tag on a contact; one that it has stays."""
        contact, tag = self._contact(call), str(call.json().get("id") or "")
        self._known(tag)
        self._log.do({"do": "tag", "contact": contact.id, "tag": tag})
        return self._shape(tag)

    def untag(self, call: Call) -> Shape:
        """Take a tag off a contact."""
        contact, tag = self._contact(call), call.path["tag"]
        self._known(tag)
        self._log.do({"do": "untag", "contact": contact.id, "tag": tag})
        return self._shape(tag)

    def _contact(self, call: Call) -> IntercomContact:
        contact = self._store.contacts.get(call.path["id"])
        if contact is None or not visible(contact):
            raise not_found("User Not Found")
        return contact

    def _known(self, tag: str) -> None:
        if tag not in self._store.tags:
            raise not_found()

    def _shape(self, tag: str) -> Shape:
        return {"type": "tag", "id": tag, "name": self._store.tags[tag]}
