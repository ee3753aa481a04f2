"""The Web API's methods by name, and the two about the API itself; the rest live with their family."""

from collections.abc import Callable

from gtm_platform.sandbox.slack import chat, conversations, files, reactions, users
from gtm_platform.sandbox.slack.call import Answer, Call
from gtm_platform.sandbox.slack.errors import SlackError
from gtm_platform.sandbox.slack.render import BOT_USER
from gtm_platform.sandbox.slack.store import BOT_ID, BOT_USER_ID, TEAM_NAME

WITHOUT_TOKEN = {"api.test"}


def api_test(call: Call) -> Answer:
    """`api.test`: the arguments come back, and so does an error that is asked for."""
    if error := call.text("error"):
        raise SlackError(error, args=call.arguments)
    return {"ok": True, "args": call.arguments}


def auth_test(call: Call) -> Answer:
    """`auth.test`."""
    return {
        "ok": True,
        "url": call.url,
        "team": TEAM_NAME,
        "user": BOT_USER["name"],
        "team_id": call.store.team_id,
        "user_id": BOT_USER_ID,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


METHODS: dict[str, Callable[[Call], Answer]] = {
    "api.test": api_test,
    "auth.test": auth_test,
    "chat.delete": chat.delete,
    "chat.getPermalink": chat.get_permalink,
    "chat.postMessage": chat.post_message,
    "chat.update": chat.update,
    "conversations.history": conversations.history,
    "conversations.info": conversations.info,
    "conversations.list": conversations.list_channels,
    "conversations.open": conversations.open_direct,
    "conversations.replies": conversations.replies,
    "files.completeUploadExternal": files.complete_upload,
    "files.getUploadURLExternal": files.get_upload_url,
    "files.info": files.info,
    "reactions.add": reactions.add,
    "reactions.get": reactions.get,
    "reactions.list": reactions.list_reactions,
    "reactions.remove": reactions.remove,
    "users.info": users.info,
    "users.list": users.list_users,
    "users.lookupByEmail": users.lookup_by_email,
}
