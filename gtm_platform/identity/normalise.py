"""Addresses and domains in the one form in which they are compared. The only place that knows how."""

import ibis

from gtm_platform.policy import Identity

GMAIL = ("gmail.com", "googlemail.com")  # one mail system under two names, which ignores dots


def email(raw: ibis.ir.StringValue) -> ibis.ir.StringValue:
    """Lower case, without spaces around it and without +tag; null for what is not an address."""
    text = raw.strip().lower()
    address = r"^([^@\s]+)@([^@\s]+\.[^@\s]+)$"
    local, at = text.re_extract(address, 1).re_replace(r"\+.*$", ""), text.re_extract(address, 2)
    gmail = at.isin(GMAIL)
    local = ibis.ifelse(gmail, local.replace(".", ""), local)
    return ibis.ifelse(local == "", ibis.null("string"), local + "@" + ibis.ifelse(gmail, GMAIL[0], at))


def domain(address: ibis.ir.StringValue) -> ibis.ir.StringValue:
    """The domain of a normalised address."""
    return address.split("@")[1]


def site(raw: ibis.ir.StringValue) -> ibis.ir.StringValue:
    """The domain of a web address, however much of one was typed; null for what has none."""
    host = raw.strip().lower().re_extract(r"^(?:[a-z]+://)?(?:www\.)?([^/:?#@\s]+\.[^/:?#@\s]+)", 1)
    return host.nullif("")


def is_shared_inbox(address: ibis.ir.StringValue, rules: Identity) -> ibis.ir.BooleanValue:
    """Whether a normalised address is one behind which several people sit."""
    return address.split("@")[0].isin(rules.shared_inboxes)


def is_free_mail(name: ibis.ir.StringValue, rules: Identity) -> ibis.ir.BooleanValue:
    return name.isin(rules.free_mail_domains)
