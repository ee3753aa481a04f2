"""The words that the writer of a message wrote: without what is quoted, and nothing of an automatic reply."""

import ibis

QUOTED_LINES = r"(?m)^[ \t]*>.*$"
# From such a line on, a mail has the one that it answers.
EARLIER_MAIL = (
    r"(?ims)^(?:[ \t]*[-_]{2,}[ \t]*(?:original|forwarded)[ \t-]"
    r"|(?:on|am|le|el|il|op) [^\n]{6,120} (?:wrote|schrieb|a écrit|escribió|ha scritto|schreef)[^\n]{0,80}:"
    r"|(?:from|von|de|da|van): [^\n]+\n(?:sent|date|gesendet|envoyé|enviado|inviato|verzonden|to|an|à|para|a|aan): "
    r").*"
)
BEGINNING = 200  # characters, in which an automatic reply says that it is one


def own_words(body: ibis.ir.StringValue, auto_reply: str) -> ibis.ir.StringValue:
    """Return a text without its quotes; null where it begins as the pattern of automatic replies says."""
    own = body.re_replace(EARLIER_MAIL, "").re_replace(QUOTED_LINES, "").strip()
    return ibis.ifelse(body.substr(0, BEGINNING).lower().re_search(auto_reply), ibis.null("string"), own.nullif(""))
