"""What customers and support people write to each other. Of the customers' words only those of somebody who thinks of
leaving speak of cancelling what they pay for; support people, notes and questions say the word, too, and do not count.
"""

from random import Random

_OPENINGS = ("Hi", "Hello", "Hi there", "Hey team", "Good morning", "Hello {agent}", "Hi everyone", "")
_CLOSINGS = (
    "Thanks!",
    "Thank you",
    "Best, {first}",
    "Cheers, {first}",
    "{first}",
    "Kind regards",
    "",
    "Thanks a lot, {first}",
)

_TOPICS = (
    "the export",
    "our CSV import",
    "the API",
    "the HubSpot integration",
    "single sign-on",
    "the dashboard",
    "search",
    "webhooks",
    "seat management",
    "the weekly report",
    "permissions",
    "the invoice page",
)

_CORES = {
    "plain": (
        "how do I set up {topic} for a second workspace?",
        "I cancelled the import half way, how do I begin again with {topic}?",
        "where can I find the documentation for {topic}?",
        "we would like to add two colleagues. Does that change what we pay?",
        "could you send us the last invoice with our VAT number on it?",
        "we don't want to cancel, we only ask what {topic} allows on our plan.",
        "does {topic} support time zones other than UTC?",
        "we are migrating next week. Anything to know about {topic}?",
        "can I change the owner of our account to a colleague?",
        "quick question about {topic}: is the order of the columns fixed?",
    ),
    "happy": (
        "just wanted to say that {topic} works beautifully now. Great job!",
        "the new version of {topic} saved us hours this week. We love it.",
        "thank you for fixing {topic} so quickly, really excellent support.",
        "our whole team is very happy with {topic}. Could we get it for another department?",
        "awesome update of {topic}! Is there more like this on the roadmap?",
        "we had a wonderful onboarding session, thanks. One small question about {topic}.",
    ),
    "angry": (
        "{topic} has been broken since yesterday and nobody answers. This is really frustrating.",
        "this is the third time {topic} fails on us. It is terrible and costs us money.",
        "I am very disappointed. {topic} lost our data and we have a deadline today!",
        "{topic} is awfully slow again. We pay a lot for this, it is unacceptable.",
        "why were we charged twice? This is annoying and {topic} shows the wrong amount.",
        "your last release broke {topic}. Horrible experience, our users complain every hour.",
        "still no solution for {topic} after five days. We are losing patience, this is bad.",
    ),
    "cancel": (
        "we have decided to cancel our subscription at the end of the month.",
        "how do I cancel? I can't find the button anywhere.",
        "leider müssen wir unseren Vertrag zum Jahresende kündigen.",
        "if {topic} is not fixed by Friday we will have to cancel.",
        "I would like to know what the cancellation terms are, we are moving to another tool.",
        "our CFO asks us to be cancelled before the next renewal. What do you need from us?",
        "we are thinking about canceling because {topic} never worked for us.",
    ),
}

_FOLLOW_UPS = {
    "plain": (
        "That helps, I will try it.",
        "Works, thank you.",
        "Where exactly is that setting?",
        "Makes sense, got it.",
    ),
    "happy": ("Perfect, thanks again!", "Wonderful, that is exactly what we needed.", "Great, you are the best!"),
    "angry": (
        "That did not help at all.",
        "Still broken. Please escalate this.",
        "I already tried that twice, it is useless.",
        "We need this fixed today, it is really bad for us.",
    ),
    "cancel": (
        "Thanks, but our decision stands. Please confirm that it is cancelled.",
        "No, please just cancel it.",
        "We looked at the discount, but we still want to leave.",
        "All right, let us give it one more month then.",
    ),
}

_ANSWERS = {
    "plain": (
        "You will find it under Settings, then Workspace.",
        "Good question! Here is our guide: https://help.example/start.",
    ),
    "happy": ("So glad to hear that, thank you!", "Thank you, I will pass this on to the team."),
    "angry": (
        "I am sorry about this. Our engineers are looking into it right now.",
        "Apologies for the trouble. Could you send us a screenshot?",
    ),
    "cancel": (
        "I am sorry to hear that. I can cancel it for you, or offer you a smaller plan.",
        "Sorry to see you go. Before I cancel anything: is there something that we could do better?",
    ),
}

_NOTES = (
    "Checked the logs, looks like a known issue.",
    "Spoke to engineering, fix goes out tomorrow.",
    "Asked about the cancellation policy on the phone, not urgent.",
    "Important account, keep an eye on it.",
)

_REMARKS = {
    1: ("Slow and no solution.", "Terrible.", None),
    2: ("Took far too long.", "Did not really help.", None),
    3: ("OK.", None),
    4: ("Good, thanks.", "Helpful.", None),
    5: ("Excellent!", "Super fast and friendly.", "Great support as always.", None),
}

_TICKETS = (
    "Export fails with a time-out",
    "Wrong totals in the weekly report",
    "SSO login loops",
    "Import stops at 80 %",
    "Webhook deliveries are missing",
    "Duplicate rows after sync",
)


def message(rng: Random, mood: str, first: str) -> str:
    """The HTML of a first message in a mood: "plain", "happy", "angry" or "cancel"."""
    opening, closing = rng.choice(_OPENINGS), rng.choice(_CLOSINGS)
    core = rng.choice(_CORES[mood]).replace("{topic}", rng.choice(_TOPICS))
    greeting = f"{opening.replace('{agent}', rng.choice(('Sam', 'Alex', 'Robin')))}, " if opening else ""
    core = core if greeting else core[0].upper() + core[1:]
    closing = closing.replace("{first}", first)
    return f"<p>{greeting}{core}</p>" + (f"<p>{closing}</p>" if closing else "")


def follow_up(rng: Random, mood: str) -> str:
    """The HTML of a customer's reply in the same conversation."""
    return f"<p>{rng.choice(_FOLLOW_UPS[mood])}</p>"


def answer(rng: Random, mood: str, first: str) -> str:
    """The HTML of a support agent's reply to a message in that mood."""
    return f"<p>Hi {first},</p><p>{rng.choice(_ANSWERS[mood])}</p>"


def internal_note(rng: Random) -> str:
    """The text of a note that customers do not see."""
    return f"<p>{rng.choice(_NOTES)}</p>"


def remark(rng: Random, rating: int) -> str | None:
    """What a customer writes beside a rating of 1 to 5; None for no comment."""
    return rng.choice(_REMARKS[rating])


def ticket(rng: Random) -> str:
    """The title of a ticket."""
    return rng.choice(_TICKETS)


# Of each sentence the longest piece that is the same whatever it is about.
_LEAVING = [max(core.split("{topic}"), key=len).lower() for core in _CORES["cancel"]]
_LEAVING += ["please confirm that it is cancelled.", "please just cancel it."]


def mentions_cancel(html: str) -> bool:
    """Whether a customer's words speak of cancelling, in the way the platform has to notice."""
    return any(words in html.lower() for words in _LEAVING)
