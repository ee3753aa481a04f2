"""`core/support`: how much the customer talks to support, how content it is, and whether it speaks of leaving."""

import ibis

from gtm_platform.core.cancel_sentences import cancel_sentence, may_speak
from gtm_platform.core.messages import customer_messages
from gtm_platform.core.own_words import own_words
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, Owner
from gtm_platform.lake.expressions.days import Day, within
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import NO_TEXTS
from gtm_platform.policy import Policy, Support
from gtm_platform.policy import policy as current_policy

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "conversations_90d": Column("int64", "Conversations begun in 90 days."),
        "open_conversations": Column("int64", "Conversations that are open or snoozed."),
        "open_critical_tickets": Column("int64", "Open or snoozed conversations with priority, and open tickets."),
        "csat_avg_90d": Column("float64", "Mean rating given in 90 days, 1 to 5.", rule=lambda v: v.between(1, 5)),
        "csat_count_90d": Column("int64", "Ratings given in 90 days."),
        "sentiment_90d": Column(
            "float64", "Mean tone of its own messages in 90 days, -1 to 1.", rule=lambda v: v.between(-1, 1)
        ),
        "cancel_mentioned_at": Column("timestamp('UTC', 6)", "Its latest message that speaks of cancelling."),
        "cancel_sentence": Column("string", "The sentence of that message by which it does.", personal=True),
    },
    key=("customer_id",),
    about="Support of each customer; counts are 0 for none, and null while Intercom is off.",
    figures={
        "open_conversations": lambda t: t["open_conversations"].sum(),
        "open_critical_tickets": lambda t: t["open_critical_tickets"].sum(),
        "csat": lambda t: t["csat_avg_90d"].mean(),
    },
)

WINDOW_DAYS = 90  # the columns of the contract are named by it
OPEN = ("open", "snoozed")  # who is snoozed waits on a date, and is not done with
COUNTS = ("conversations_90d", "open_conversations", "open_critical_tickets", "csat_count_90d")
TONE = "decimal(18, 12)"  # sums of floats depend on their order, and so differ from run to run


def _everybody_in(conversations: ibis.Table) -> ibis.Value:
    named = ibis.array([conversations["contact_id"], conversations["author_id"]])
    return conversations["contact_ids"].fill_null(NO_TEXTS).concat(named)


OWNERS = {
    "intercom/conversations": (Owner("intercom", _everybody_in),),
    "intercom/conversation_parts": (Owner("intercom", "author_id"),),
    "intercom/tickets": (Owner("intercom", "contact_id"),),
}


def table(
    people: ibis.Table,
    links: ibis.Table,
    intercom: ibis.Table,
    conversations: ibis.Table,
    parts: ibis.Table,
    tickets: ibis.Table,
    tones: ibis.Table,
    policy: Policy,
    day: Day,
) -> ibis.Table:
    """Return a row per customer."""
    rules = policy.support
    users = links.filter(links["source"] == "intercom").select("customer_id", contact_id="record_id")
    talks = _conversations(of_customers(conversations, users), rules, day)
    toned = customer_messages(conversations, parts).left_join(tones.select("message_id", "tone"), "message_id")
    messages = _messages(toned.drop("message_id_right").join(users, "contact_id"), rules, day)
    waiting = _tickets(tickets.join(users, "contact_id"))
    customers = left_join_all(people.select("customer_id"), [talks, messages, waiting])
    on = intercom.count().as_scalar() > 0
    critical = customers["critical"].fill_null(0) + customers["open_tickets"].fill_null(0)
    customers = customers.mutate(open_critical_tickets=critical)
    counts = {name: ibis.ifelse(on, customers[name].fill_null(0), ibis.null("int64")) for name in COUNTS}
    return customers.mutate(**counts).drop("critical", "open_tickets")


def of_customers(conversations: ibis.Table, users: ibis.Table) -> ibis.Table:
    """Return each conversation once for each customer in it."""
    everyone = conversations["contact_ids"].concat(ibis.array([conversations["contact_id"]]))
    members = conversations.select(conversation_id="id", contact_id=everyone.unnest())
    members = members.join(users, "contact_id").select("customer_id", "conversation_id").distinct()
    return members.join(conversations.rename(conversation_id="id"), "conversation_id")


def _conversations(conversations: ibis.Table, rules: Support, day: Day) -> ibis.Table:
    rated = conversations["rating"].notnull() & within(conversations["rated_at"], day, WINDOW_DAYS)
    tagged = [conversations["tags"].contains(tag).fill_null(False) for tag in rules.critical_tags]
    critical = (conversations["priority"] == "priority").fill_null(False)
    for tag in tagged:
        critical = critical | tag
    is_open = conversations["state"].isin(OPEN)
    customers = conversations.group_by("customer_id").agg(
        conversations_90d=within(conversations["created_at"], day, WINDOW_DAYS).ifelse(1, 0).sum(),
        open_conversations=conversations.count(where=is_open),
        critical=conversations.count(where=is_open & critical),
        csat_count_90d=conversations.count(where=rated),
        stars=conversations["rating"].sum(where=rated),
    )
    mean = customers["stars"].cast("float64") / customers["csat_count_90d"].nullif(0)
    return customers.mutate(csat_avg_90d=mean).drop("stars")


def _messages(messages: ibis.Table, rules: Support, day: Day) -> ibis.Table:
    body, words = messages["body"], rules.cancelling
    sentence = cancel_sentence(own_words(body, rules.auto_reply), words)
    messages = messages.mutate(cancels=ibis.ifelse(may_speak(body, words), sentence, ibis.null("string")))
    recent = messages["tone"].notnull() & within(messages["created_at"], day, WINDOW_DAYS)
    cancels, latest = messages["cancels"].notnull(), messages["created_at"]
    customers = messages.group_by("customer_id").agg(
        tones=messages["tone"].cast(TONE).sum(where=recent),
        messages=messages.count(where=recent),
        cancel_mentioned_at=latest.max(where=cancels),
        cancel_sentence=messages["cancels"].argmax(latest, where=cancels),
    )
    mean = customers["tones"].cast("float64") / customers["messages"].nullif(0)
    return customers.mutate(sentiment_90d=mean).drop("tones", "messages")


def _tickets(tickets: ibis.Table) -> ibis.Table:
    waiting = tickets["open"].fill_null(False) & (tickets["state"].fill_null("") != "resolved")
    return tickets.group_by("customer_id").agg(open_tickets=tickets.count(where=waiting))


TABLE = DailyTable(
    "core/support",
    CONTRACT,
    inputs={
        "people": "identity/people",
        "links": "identity/links",
        "intercom": "intercom/contacts",
        "conversations": "intercom/conversations",
        "parts": "intercom/conversation_parts",
        "tickets": "intercom/tickets",
        "tones": "core/message_tone",
        "policy": current_policy,
    },
    rule=table,
    has_canaries=True,
    per="customer",
    owners=OWNERS,
)
