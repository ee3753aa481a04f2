"""E-mail addresses in the form in which they are compared, of texts in this process; `identity.normalise` has the same
for columns of tables, and a test that compares the two.
"""

import re
import unicodedata

GMAIL = ("gmail.com", "googlemail.com")
# At these +x is part of a name, and no mail comes to the name before it. Everybody else drops it, those included at
# whom companies have their mailboxes.
KEEPING_TAGS = (
    *("yahoo.com", "yahoo.co.uk", "yahoo.de", "yahoo.fr", "yahoo.co.jp", "ymail.com", "rocketmail.com", "aol.com"),
    *("gmx.de", "gmx.net", "gmx.com", "gmx.at", "gmx.ch", "web.de", "mail.com", "t-online.de"),
    *("qq.com", "163.com", "126.com"),
)
SHAPE = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
INVISIBLE = ("Cc", "Cf")
SPACES = "\t\n\v\f\r"  # control characters, which are seen


def normal_address(text: str) -> str | None:
    """Return an address in the form that is compared; None for what is none."""
    visible = "".join(c for c in text if c in SPACES or unicodedata.category(c) not in INVISIBLE)
    whole = unicodedata.normalize("NFC", visible.strip().lower())
    if not SHAPE.fullmatch(whole):
        return None
    local, _, domain = whole.partition("@")
    if domain not in KEEPING_TAGS:
        local = local.partition("+")[0]
    if domain in GMAIL:
        local, domain = local.replace(".", ""), GMAIL[0]
    return f"{local}@{domain}" if local else None
