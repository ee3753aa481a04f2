"""The `files.*` methods: a file is announced, uploaded to the address that Slack names, completed and looked at.

A completed file that is shared with no channel is seen by the bot only, until a message shows it. One that is shared is
a message of its own.
"""

import json
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gtm_platform.sandbox.slack.call import Answer, Call
from gtm_platform.sandbox.slack.errors import SlackError
from gtm_platform.sandbox.slack.store import BOT_USER_ID, SlackFile, SlackStore


def get_upload_url(call: Call) -> Answer:
    """`files.getUploadURLExternal`."""
    name, length = call.text("filename"), call.text("length")
    if not name or not length.isdigit() or int(length) < 1:
        raise SlackError("invalid_arguments")
    file: SlackFile = call.log.do(
        {"do": "announce", "name": name, "length": int(length), "about": call.text("alt_txt")}
    )
    return {"ok": True, "upload_url": f"{call.url}upload/v1/{file.id}", "file_id": file.id}


def complete_upload(call: Call) -> Answer:
    """`files.completeUploadExternal`, shared with a channel or with nobody."""
    wishes, channel = _files(call), call.text("channel_id")
    if channel and channel not in call.store.channels:
        raise SlackError("channel_not_found")
    for wish in wishes:
        file = call.store.files.get(str(wish.get("id")))
        if file is None or file.content is None:
            raise SlackError("file_not_found")
    done = [
        call.log.do({"do": "complete", "file": wish["id"], "title": str(wish.get("title") or "")}) for wish in wishes
    ]
    if channel:
        _share(call, channel, done)
    return {"ok": True, "files": [_wire(file) for file in done]}


def _share(call: Call, channel: str, files: Sequence[SlackFile]) -> None:
    pictures = [
        {
            "type": "image",
            "block_id": f"block-{place}",
            "slack_file": {"id": file.id},
            "alt_text": file.title or file.name,
        }
        for place, file in enumerate(files)
    ]
    comment, thread = call.text("initial_comment"), call.text("thread_ts") or None
    post = {"do": "post", "channel": channel, "text": comment, "blocks": pictures, "thread_ts": thread}
    call.log.do({**post, "metadata": None})


def _files(call: Call) -> list[dict[str, Any]]:
    """The files of the call, which a form has as JSON."""
    files = call.arguments.get("files")
    try:
        files = json.loads(files) if isinstance(files, str) else files
    except ValueError:
        files = None
    if not isinstance(files, list) or not files or not all(isinstance(each, dict) for each in files):
        raise SlackError("invalid_arguments")
    return files


def info(call: Call) -> Answer:
    """`files.info`."""
    file = call.store.files.get(call.text("file"))
    if file is None or not file.complete:
        raise SlackError("file_not_found")
    return {"ok": True, "file": _wire(file), "comments": [], "response_metadata": {"next_cursor": ""}}


def _wire(file: SlackFile) -> Answer:
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return {
        "id": file.id,
        "created": int(file.created.timestamp()),
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": kind,
        "filetype": file.name.rpartition(".")[2],
        "user": BOT_USER_ID,
        "size": file.length,
        "is_public": False,
        "alt_txt": file.about,
        "channels": [],
        "groups": [],
        "ims": [],
    }


def unknown_pictures(store: SlackStore, blocks: list[dict[str, Any]]) -> list[str]:
    """Say which image blocks show a file that the workspace does not have."""
    return [
        f"[ERROR] invalid slack file [json-pointer:/blocks/{place}/slack_file]"
        for place, file in _shown(blocks)
        if (uploaded := store.files.get(str(file.get("id")))) is None or not uploaded.complete
    ]


def _shown(blocks: list[dict[str, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for place, block in enumerate(blocks):
        if block["type"] == "image" and "slack_file" in block:
            yield place, block["slack_file"]
