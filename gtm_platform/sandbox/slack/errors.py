"""What Slack answers when it refuses: a code in the body, under HTTP 200."""

from typing import Any


class SlackError(Exception):
    """A refusal; more than the code goes into the body as it is."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.body = {"ok": False, "error": code, **more}


def invalid_blocks(messages: list[str]) -> SlackError:
    """The refusal of blocks, with a message for each fault."""
    return SlackError("invalid_blocks", errors=messages, response_metadata={"messages": messages})
