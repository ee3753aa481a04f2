"""What the names of columns give away: ids, whom a row is about, and what is known only after the outcome."""

import re

# Known only afterwards, by its name: left out until somebody vouches for it.
LATER = re.compile(
    r"\b(tags?|reasons?|closed?|closing|closes|won|lost|outcomes?|resolution|disposition|refund(ed|s)?"
    r"|cancel\w*|churn\w*|attrition|convert(ed|s)?|conversion)\b"
    r"|\blast\b.*\b(activity|touch|contact|contacted)\b"
)
# The same words where they say what somebody was before, or what is agreed.
EARLIER = re.compile(
    r"\b(marital|civil|family|personal|employment|occupation|work|job|housing|home|property|residen\w+|education|smok\w+"
    r"|credit|checking|savings?|health|verification|initial|first|p)\b.*\b(outcomes?|scores?|ratings?|grade|stage|status)\b"
    r"|\b(previous(ly)?|prior|past|earlier|histor\w+)\b|\bpoutcome\b|\b(cancel\w*|refund) (policy|terms|window|fee)\b"
)
# Known afterwards in many tables, and before in others: left out where the values tell much as well.
PERHAPS_LATER = re.compile(
    r"\b(scores?|ratings?|grade|stage|status|results?)\b"
    r"|\b(duration|final|ended|exit\w*|terminat\w*|leaving|depart\w*|settle\w*|recover\w*|charge ?off)\b"
    r"|\b(days|time|months|weeks|hours) (to|until|till)\b|\blast (payment|pymnt|invoice)\b"
)
ID = re.compile(r"\b(ids?|uuid|guid|key)$|^(id|uuid|guid)\b|[a-z]id$")
ROW_NUMBER = re.compile(r"\b(number|no|num|nr|index|row|unnamed|column 1)\b|rownumber|[a-z]{3}num\b")
SUBJECT = re.compile(
    r"\b(customer|client|user|account|company|person|lead|contact|member|patient|household|subscriber|employee"
    r"|organi[sz]ation|org|workspace|tenant)s? ?(ids?|uuid|guid|key|number|no)?$"
)

ID_OF_SUBJECT = re.compile(r"\b(ids?|uuid|guid|key|number|no)$")


def words_of(name: str) -> str:
    """Return the words of a name in lower case: LastActivity and last_activity are both "last activity"."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", str(name))
    return " ".join(re.sub(r"[^0-9a-zA-Z]+", " ", split).lower().split())


def is_later(name: str) -> bool:
    """Whether a name tells a state that is reached with the outcome or after it."""
    words = words_of(name)
    return bool(LATER.search(words)) and not EARLIER.search(words)


def may_be_later(name: str) -> bool:
    """Whether a name often tells such a state."""
    words = words_of(name)
    return bool(PERHAPS_LATER.search(words)) and not EARLIER.search(words)


def is_id(name: str) -> bool:
    """Whether a name is that of an id."""
    return bool(ID.search(words_of(name)))


def is_row_number(name: str) -> bool:
    """Whether a name is that of a running number."""
    return bool(ROW_NUMBER.search(words_of(name)))


def is_subject(name: str) -> bool:
    """Whether a name is that of somebody who may have several rows."""
    return bool(SUBJECT.search(words_of(name)))


def is_id_of_subject(name: str) -> bool:
    """Whether a name is that of an id of somebody who may have several rows."""
    return is_subject(name) and bool(ID_OF_SUBJECT.search(words_of(name)))
