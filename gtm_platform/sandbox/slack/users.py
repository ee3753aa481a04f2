"""The `users.*` methods: the people of the workspace, and the bot among them."""

from gtm_platform.sandbox.slack.call import Answer, Call
from gtm_platform.sandbox.slack.errors import SlackError
from gtm_platform.sandbox.slack.render import BOT_USER, Wire, user_wire


def list_users(call: Call) -> Answer:
    """`users.list`. People who have left are listed as deleted."""
    page, metadata = call.page(_members(call))
    members = [user_wire(user, with_locale=call.flag("include_locale")) for user in page]
    now = int(call.log.clock().timestamp())
    return {"ok": True, "members": members, "cache_ts": now, "response_metadata": metadata}


def info(call: Call) -> Answer:
    """`users.info`."""
    user = member(call, call.text("user"))
    return {"ok": True, "user": user_wire(user, with_locale=call.flag("include_locale"))}


def lookup_by_email(call: Call) -> Answer:
    """`users.lookupByEmail`. People who have left are not looked up."""
    user = call.store.users.get(call.text("email").lower())
    if user is None or user.get("deleted"):
        raise SlackError("users_not_found")
    return {"ok": True, "user": user_wire(user)}


def member(call: Call, user_id: str) -> Wire:
    """The person or bot with this id."""
    user = next((user for user in _members(call) if user["id"] == user_id), None)
    if user is None:
        raise SlackError("user_not_found")
    return user


def _members(call: Call) -> list[Wire]:
    return [BOT_USER, *call.store.users.values()]
