"""What customers wrote to support themselves: the first message of a conversation, and what they added to it."""

import ibis

CUSTOMERS = ("user", "lead", "contact")
OF_CONVERSATION, OF_PART = "conversation:", "part:"  # how the ids of their messages begin
SPOKEN = ("comment", "quick_reply")  # never a note: that is internal


def customer_messages(conversations: ibis.Table, parts: ibis.Table) -> ibis.Table:
    """Return [message_id, contact_id, created_at, body], each message once."""
    first = conversations.filter(conversations["author_type"].isin(CUSTOMERS))
    later = parts.filter(parts["author_type"].isin(CUSTOMERS), parts["part_type"].isin(SPOKEN))
    return _messages(first, OF_CONVERSATION).union(_messages(later, OF_PART))


def _messages(records: ibis.Table, kind: str) -> ibis.Table:
    """Conversations and parts number their records apart, so the id names the kind."""
    return records.select(
        message_id=ibis.literal(kind) + records["id"],
        contact_id=records["author_id"],
        created_at=records["created_at"],
        body=records["body"],
    )
