"""What was said in a recorded call, and what Fathom made of it: the same words each time they are read."""

from random import Random

from gtm_platform.sandbox.fathom.store import FathomMeeting

_OPENING = "Hi {guest}, thanks for joining. How have things been?"
_LINES = {
    "happy": (
        "The exports are excellent, we use them every day.",
        "The team loves the new search, it saves us hours.",
        "Support was quick and very helpful, thank you.",
        "We would like to add more seats next quarter.",
    ),
    "plain": (
        "We looked at the import last week.",
        "Could you show me where the API limits are?",
        "Two colleagues join us in a month.",
        "We keep the same plan for now.",
    ),
    "worried": (
        "Honestly, we are unhappy with the price.",
        "The last export failed twice, that was frustrating.",
        "We may cancel next month if this does not get better.",
        "Another tool does the same and costs less.",
    ),
}
_ANSWERS = (
    "Understood. Let me take a note.",
    "That makes sense, I will check with the team.",
    "I can show you that right now.",
    "Thank you for saying so openly.",
)
_SUMMARIES = {
    "happy": "{guest} likes the product and plans to add seats.",
    "plain": "{guest} asked about limits and the import; no open issues.",
    "worried": "{guest} is worried about the price and the failed exports, and may cancel.",
}
_HIGHLIGHTS = {
    "happy": ("Praise", "Likes the exports", "The exports are excellent, we use them every day."),
    "worried": ("Objection", "Pushed back on price", "Honestly, we are unhappy with the price."),
}


def summary(meeting: FathomMeeting) -> str:
    """The summary in Markdown."""
    items = "".join(f"- {item.description}\n" for item in meeting.action_items)
    text = _SUMMARIES[meeting.mood].format(guest=meeting.guest)
    return f"## Summary\n{text}\n" + (f"\n## Next steps\n{items}" if items else "")


def transcript(meeting: FathomMeeting) -> list[tuple[str, str, int]]:
    """Who said what, and at which second of the recording; the speaker is `host` or `guest`."""
    rng = Random(meeting.recording_id)
    lines, second = [("host", _OPENING.format(guest=meeting.guest), 4)], 4
    for line in [*rng.sample(_LINES[meeting.mood], 3), rng.choice(_LINES["plain"])]:
        second += rng.randrange(20, 240)
        lines.append(("guest", line, second))
        second += rng.randrange(8, 60)
        lines.append(("host", rng.choice(_ANSWERS), second))
    return lines


def highlight(meeting: FathomMeeting) -> tuple[str, str, str] | None:
    """The kind, the gist and the words of what stood out; nothing in a plain call."""
    return _HIGHLIGHTS.get(meeting.mood)


def clock(second: int) -> str:
    """A second of the recording as hours, minutes and seconds."""
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
