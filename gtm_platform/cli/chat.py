"""`gtm mcp`: the chat tools over stdin and stdout, for a program that starts it."""

from contextlib import closing

from gtm_platform.serving.chat.stdio import serve_stdio
from gtm_platform.serving.store import the_store
from gtm_platform.settings import settings
from gtm_platform.state import open_state


def answer_chat() -> None:
    """Answer the program at the other end of stdin and stdout, by the token of the environment."""
    token = settings().gtm_api_token
    if token is None:
        raise ValueError("Set GTM_API_TOKEN to a token that `gtm token create` made: it decides what is shown.")
    with closing(open_state(settings().state_url)) as state:
        serve_stdio(the_store(), state, settings().now, token.get_secret_value())
