"""Contacts and conversations that a client makes, changes, closes and archives."""

import html
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from gtm_platform.sandbox.intercom import tagging
from gtm_platform.sandbox.intercom.call import Call, object_in
from gtm_platform.sandbox.intercom.contacts import contact, visible
from gtm_platform.sandbox.intercom.conversations import conversation
from gtm_platform.sandbox.intercom.errors import IntercomError, invalid, missing, not_found
from gtm_platform.sandbox.intercom.store import IntercomContact, IntercomConversation, IntercomPart, IntercomStore
from gtm_platform.sandbox.intercom.wire import Shape
from gtm_platform.sandbox.kit.render import unix_seconds
from gtm_platform.sandbox.kit.write_log import Actions, Persist, Write, WriteLog
from gtm_platform.sandbox.kit.write_log import replay as replay_with

FIELDS = ("email", "name", "external_id", "role")


def _make_contact(store: IntercomStore, write: Write, at: datetime) -> None:
    fields: dict[str, Any] = {name: write.get(name) for name in FIELDS}
    signed_up = write.get("signed_up_at")
    store.contacts[write["id"]] = IntercomContact(
        id=write["id"],
        created=at,
        updated=at,
        signed_up=datetime.fromtimestamp(signed_up, UTC) if signed_up else None,
        custom_attributes=dict(write.get("custom_attributes") or {}),
        **fields,
    )


def _change_contact(store: IntercomStore, write: Write, at: datetime) -> None:
    record = store.contacts[write["id"]]
    for name in FIELDS:
        if name in write:
            setattr(record, name, write[name])
    record.custom_attributes.update(write.get("custom_attributes") or {})
    record.updated = at


def _archive_contact(store: IntercomStore, write: Write, at: datetime) -> None:
    store.contacts[write["id"]].deleted = at


def _begin(store: IntercomStore, write: Write, at: datetime) -> None:
    author = store.contacts[write["contact"]]
    author.last_replied = at
    store.conversations[write["id"]] = IntercomConversation(
        id=write["id"],
        contact_id=author.id,
        created=at,
        updated=at,
        subject="",
        body=f"<p>{html.escape(write['body'])}</p>",
        author_type=author.role,
        author_name=author.name,
        author_email=author.email,
        waiting_since=at,
        last_contact_reply=at,
    )


def _close(store: IntercomStore, write: Write, at: datetime) -> None:
    record, admin = store.conversations[write["id"]], _admin(store, write["admin"])
    part = IntercomPart(
        f"{record.id}{len(record.parts)}", "close", None, at, "admin", str(admin["id"]), admin["name"], admin["email"]
    )
    record.parts.append(part)
    record.state, record.waiting_since, record.updated = "closed", None, at
    record.first_close, record.last_close = record.first_close or at, at


def _admin(store: IntercomStore, id: str) -> dict[str, Any]:
    for each in store.admins:
        if str(each["id"]) == id:
            return each
    raise not_found("Admin not found")


ACTIONS: Actions[IntercomStore, None] = {
    "make_contact": _make_contact,
    "change_contact": _change_contact,
    "archive_contact": _archive_contact,
    "begin": _begin,
    "close": _close,
}


def replay(store: IntercomStore, write: Write, at: datetime) -> Any:
    """Do one write as it was done at that instant, of contacts and conversations or of tags."""
    return replay_with({**tagging.ACTIONS, **ACTIONS}, store, write, at)


class Writing:
    """The answers to who writes contacts and conversations of one store."""

    def __init__(self, store: IntercomStore, clock: Callable[[], datetime], persist: Persist) -> None:
        self._store = store
        self._log = WriteLog(store, clock, persist, ACTIONS)

    def make_contact(self, call: Call) -> Shape:
        """A new contact; one with the same external id, or a user with the same address, is refused."""
        body = call.json()
        if not (body.get("email") or body.get("external_id")):
            raise missing("email or external_id")
        role = body.get("role") or "user"
        if role not in ("user", "lead"):
            raise invalid("role must be user or lead", "role")
        if other := self._same(body, role):
            raise IntercomError(
                409, f"A contact matching those details already exists with id={other.id}", code="conflict"
            )
        id = _free("6ca", self._store.contacts)
        self._log.do({"do": "make_contact", "id": id, **self._known(body), "role": role})
        return self._shape(id)

    def change_contact(self, call: Call) -> Shape:
        """Set values of a contact; what is not named stays."""
        record = self._contact(call.path["id"])
        self._log.do({"do": "change_contact", "id": record.id, **self._known(call.json())})
        return self._shape(record.id)

    def archive_contact(self, call: Call) -> Shape:
        """Archive a contact: no list has it any more."""
        record = self._contact(call.path["id"])
        self._log.do({"do": "archive_contact", "id": record.id})
        return {"id": record.id, "external_id": record.external_id, "type": "contact", "archived": True}

    def begin(self, call: Call) -> Shape:
        """A conversation that a contact begins; the answer is its first message."""
        body = call.json()
        author = self._contact(str(object_in(body, "from").get("id") or ""))
        if not body.get("body"):
            raise missing("body")
        id = _free("77", self._store.conversations, digits=12)
        self._log.do({"do": "begin", "id": id, "contact": author.id, "body": str(body["body"])})
        created = unix_seconds(self._store.conversations[id].created)
        return {
            "type": "user_message",
            "id": f"40{id}",
            "message_type": "inapp",
            "created_at": created,
            "body": body["body"],
            "conversation_id": id,
        }

    def part(self, call: Call) -> Shape:
        """Close a conversation, in the name of an admin."""
        record, body = self._store.conversations.get(call.path["id"]), call.json()
        if record is None or record.deleted is not None:
            raise not_found()
        if body.get("message_type") != "close" or not body.get("admin_id"):
            raise invalid("message_type must be close, with an admin_id", "message_type")
        admin = _admin(self._store, str(body["admin_id"]))
        self._log.do({"do": "close", "id": record.id, "admin": str(admin["id"])})
        return conversation(record, self._store, with_parts=True)

    def _known(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a body, as far as they are kept; attributes that nobody has defined are refused."""
        attributes = object_in(dict(body), "custom_attributes")
        defined = {each["name"] for each in self._store.data_attributes if each["model"] == "contact"}
        if unknown := sorted(set(attributes) - defined):
            raise invalid(f"Custom attribute '{unknown[0]}' does not exist")
        kept = {name: body[name] for name in (*FIELDS, "signed_up_at") if name in body}
        return kept | ({"custom_attributes": attributes} if attributes else {})

    def _same(self, body: Mapping[str, Any], role: str) -> IntercomContact | None:
        external, email = body.get("external_id"), str(body.get("email") or "").lower()
        for record in self._store.contacts.values():
            if not visible(record):
                continue
            same_address = role == record.role == "user" and email and (record.email or "").lower() == email
            if (external and record.external_id == external) or same_address:
                return record
        return None

    def _contact(self, id: str) -> IntercomContact:
        record = self._store.contacts.get(id)
        if record is None or not visible(record):
            raise not_found("User Not Found")
        return record

    def _shape(self, id: str) -> Shape:
        return contact(self._store.contacts[id], self._store.workspace_id)


def _free(begin: str, taken: Mapping[str, Any], digits: int = 24) -> str:
    """An id that nothing has; those of the world begin otherwise."""
    number = sum(1 for id in taken if id.startswith(begin)) + 1
    return f"{begin}{number:0{digits - len(begin)}d}"
