"""Every address of the Slack emulator, called rightly and wrongly by a stranger."""

import httpx

from gtm_platform.sandbox.slack.app import UPLOAD, WEBHOOK
from gtm_platform.sandbox.slack.store import BOT_USER_ID
from gtm_platform.sandbox.world import World

Arguments = dict[str, str | int | bool]


def walk_slack(client: httpx.Client, world: World) -> None:
    """Post, read, react, delete; then ask what is refused."""
    channel, email = next(iter(world.slack.channels)), next(iter(world.slack.users))
    ts, user = _post(client, channel), world.slack.users[email]["id"]
    reading: tuple[tuple[str, Arguments], ...] = (
        ("api.test", {}),
        ("auth.test", {}),
        ("conversations.list", {"limit": 1}),
        ("conversations.info", {"channel": channel, "include_num_members": True}),
        ("conversations.history", {"channel": channel, "limit": 2, "include_all_metadata": True}),
        ("conversations.history", {"channel": channel, "oldest": "0", "latest": ts, "inclusive": True}),
        ("conversations.replies", {"channel": channel, "ts": ts}),
        ("users.list", {"limit": 3}),
        ("users.info", {"user": BOT_USER_ID}),
        ("users.lookupByEmail", {"email": email}),
        ("chat.getPermalink", {"channel": channel, "message_ts": ts}),
        ("conversations.open", {"users": user}),
        ("reactions.get", {"channel": channel, "timestamp": ts}),
        ("reactions.list", {"limit": 1}),
    )
    for method, arguments in reading:
        client.get(f"/api/{method}", params=arguments)
        client.post(f"/api/{method}", json=arguments)
    client.post("/api/reactions.remove", json={"channel": channel, "timestamp": ts, "name": "eyes"})
    client.post("/api/chat.delete", json={"channel": channel, "ts": ts})
    client.get("/api/conversations.history", params={"channel": channel})
    _ask_wrongly(client, channel)
    _upload(client, channel)
    client.post(WEBHOOK.format(secret="secret"), json={"text": "One"})
    client.post(WEBHOOK.format(secret="secret"), json={})
    client.get("/")
    client.get(f"/archives/{channel}/p{ts.replace('.', '')}")


def _upload(client: httpx.Client, channel: str) -> None:
    """A picture that is announced, uploaded, completed, looked at and shown; and what is refused of it."""
    picture = b"not much of a picture"
    announced = client.post("/api/files.getUploadURLExternal", json={"filename": "a.png", "length": len(picture)})
    client.get("/api/files.getUploadURLExternal", params={"filename": "b.png", "length": 3})
    id = announced.json()["file_id"]
    client.post("/api/files.completeUploadExternal", json={"files": [{"id": id}]})
    for file, content in ((id, b"short"), ("F0NOFILE001", picture), (id, picture)):
        client.post(UPLOAD.format(file=file), content=content, headers={"Content-Type": "application/octet-stream"})
    client.post("/api/files.completeUploadExternal", json={"files": [{"id": id, "title": "A"}]})
    client.get("/api/files.completeUploadExternal", params={"files": "[]"})
    client.get("/api/files.info", params={"file": id})
    client.post("/api/files.info", json={"file": "F0NOFILE001"})
    shown = {"type": "image", "slack_file": {"id": id}, "alt_text": "A"}
    client.post("/api/chat.postMessage", json={"channel": channel, "text": "A", "blocks": [shown]})


def _post(client: httpx.Client, channel: str) -> str:
    """A message that was changed, with a reply, an attachment and a reaction; returns its timestamp."""
    attachment = {"text": "More", "color": "danger", "fields": [{"title": "MRR", "value": "$297"}]}
    message = {"channel": channel, "text": "One", "attachments": [attachment]}
    ts = str(client.post("/api/chat.postMessage", json=message).json()["ts"])
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*Two*"}}]
    client.post("/api/chat.update", json={"channel": channel, "ts": ts, "text": "Two", "blocks": blocks})
    client.post("/api/chat.postMessage", json={"channel": channel, "text": "Reply", "thread_ts": ts})
    client.post("/api/reactions.add", json={"channel": channel, "timestamp": ts, "name": "eyes"})
    return ts


def _ask_wrongly(client: httpx.Client, channel: str) -> None:
    elsewhere, never = "C0NOWHERE01", "1.000000"
    for method, arguments in (
        ("chat.postMessage", {"channel": elsewhere, "text": "One"}),
        ("chat.postMessage", {"channel": channel, "text": "", "blocks": [{"type": "section"}]}),
        ("chat.delete", {"channel": channel, "ts": never}),
        ("chat.getPermalink", {"channel": channel, "message_ts": never}),
        ("conversations.info", {"channel": elsewhere}),
        ("conversations.history", {"channel": elsewhere}),
        ("conversations.open", {"users": "U0NOBODY001"}),
        ("conversations.replies", {"channel": channel, "ts": never}),
        ("reactions.add", {"channel": channel, "timestamp": never, "name": "eyes"}),
        ("users.info", {"user": "U0NOBODY001"}),
        ("users.lookupByEmail", {"email": "nobody@initech.example"}),
        ("api.test", {"error": "my_error"}),
    ):
        client.post(f"/api/{method}", json=arguments)
    client.post("/api/auth.test", headers={"Authorization": "Bearer wrong"})
