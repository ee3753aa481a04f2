"""Addresses and domains in the one form in which they are compared. The only place that knows how."""

import re

import ibis

from gtm_platform.ingest.addresses import GMAIL, KEEPING_TAGS
from gtm_platform.policy import Identity

# Control and format characters are not seen, but would keep two addresses apart; RE2's \s knows no space beyond ASCII.
INVISIBLE = r"[\p{Cf}\x00-\x08\x0E-\x1F\x7F-\x9F]"
AROUND = r"^[\p{Z}\s]+|[\p{Z}\s]+$"
# Most of what comes in is plain and needs no more than lower case; a careful look takes ten times as long.
PLAIN_SITE = r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
PLAIN_EMAIL = r"^[A-Za-z0-9._-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
# A pattern and no list: the engine joins with a list, and so would look carefully at each address, plain or not.
KEEPS_TAGS = "^(" + "|".join(re.escape(name) for name in sorted(KEEPING_TAGS)) + ")$"
LEGAL_FORM = (
    r"[\s,]+(inc|llc|l\.l\.c|ltd|limited|plc|corp|corporation|co|gmbh|ag|ug|kg|s\.?a\.?s?|sarl|s\.?r\.?l|b\.?v|n\.?v|"
    r"k\.?k|oy|ab|a/?s|aps|pty|pte)\.?$"
)


def email(raw: ibis.ir.StringValue) -> ibis.ir.StringValue:
    """Lower case, without spaces around it and without a +tag; null for what is not an address.

    A tag stays at the providers that do not drop it.
    """
    text = raw.lower()
    plain = ibis.ifelse(domain(text).isin(GMAIL), _of_gmail(local_part(text)), text)
    return ibis.ifelse(raw.re_search(PLAIN_EMAIL), plain, _address_in(_visible(raw)))


def _address_in(text: ibis.ir.StringValue) -> ibis.ir.StringValue:
    address = r"^([^@\s\p{Z}]+)@([^@\s\p{Z}]+\.[^@\s\p{Z}]+)$"
    name, at = text.re_extract(address, 1), text.re_extract(address, 2)
    local = ibis.ifelse(at.re_search(KEEPS_TAGS), name, name.re_replace(r"\+.*$", ""))
    return ibis.ifelse(at.isin(GMAIL), _of_gmail(local), local.nullif("") + "@" + at)


def _of_gmail(local: ibis.ir.StringValue) -> ibis.ir.StringValue:
    """One mail system under two names, which ignores dots."""
    return local.replace(".", "").nullif("") + "@" + GMAIL[0]


def local_part(address: ibis.ir.StringValue) -> ibis.ir.StringValue:
    """What stands before the domain of a normalised address."""
    name: ibis.ir.StringValue = split_part(address, "@", 1)
    return name


def domain(address: ibis.ir.StringValue) -> ibis.ir.StringValue:
    """The domain of a normalised address."""
    name: ibis.ir.StringValue = split_part(address, "@", 2)
    return name


def site(raw: ibis.ir.StringValue) -> ibis.ir.StringValue:
    """The domain of a web address, however much of one was typed; null for what has none."""
    text = raw.lower()
    plain = raw.re_search(PLAIN_SITE) & ~text.startswith("www.")
    return ibis.ifelse(plain, text, _host_in(_visible(raw)))


def _host_in(text: ibis.ir.StringValue) -> ibis.ir.StringValue:
    return text.re_extract(r"^(?:[a-z]+://)?(?:www\.)?([^/:?#@\s]+\.[^/:?#@\s]+)", 1).nullif("")


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def split_part(text: str, by: str, nth: int) -> str:  # type: ignore[empty-body]
    """One part of a text, the first being 1, without a list of all of them."""


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def nfc_normalize(text: str) -> str:  # type: ignore[empty-body]
    """One way to write what can be written as a letter or as a letter and its accent."""


def _visible(raw: ibis.ir.StringValue) -> ibis.ir.StringValue:
    text: ibis.ir.StringValue = nfc_normalize(raw.re_replace(INVISIBLE, "").re_replace(AROUND, "").lower())
    return text


def company_name(raw: ibis.ir.StringValue) -> ibis.ir.StringValue:
    """The letters and digits of a company's name without its legal form; null for what has none."""
    bare = _visible(raw).re_replace(LEGAL_FORM, "")
    name: ibis.ir.StringValue = bare.re_replace(r"[^\p{L}\p{N}]", "").nullif("")
    return name


def is_shared_inbox(address: ibis.ir.StringValue, rules: Identity) -> ibis.ir.BooleanValue:
    """Whether a normalised address is one behind which several people sit."""
    return local_part(address).isin(rules.shared_inboxes)


def is_free_mail(name: ibis.ir.StringValue, rules: Identity) -> ibis.ir.BooleanValue:
    """Whether a normalised domain is a mail provider's, which says nothing about the company."""
    return name.isin(rules.free_mail_domains)
