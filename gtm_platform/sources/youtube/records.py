"""YouTube's videos: field names of ours, paths into theirs. Counts are texts, and each may be missing."""

import html
import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from gtm_platform.ingest.record import Id, Instant, MaybeInt, MaybeText, Record, at, fact

DURATION = re.compile(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")


def _unescaped(value: Any) -> Any:
    return html.unescape(value) if isinstance(value, str) else value


def _seconds(value: Any) -> Any:
    """Read a duration such as PT18M42S."""
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


Plain = Annotated[MaybeText, BeforeValidator(_unescaped)]


class Video(Record):
    """A public video about a competitor's product."""

    id: Id = at("id", default=..., about="YouTube's id; part of its address.")
    title: Plain = at("snippet", "title", about="As it is shown.")
    description: Plain = at("snippet", "description", about="The text below it, whole.")
    channel_id: MaybeText = at("snippet", "channelId", about="Who uploaded it.")
    channel_title: Plain = at("snippet", "channelTitle", about="What the channel is called.")
    published_at: Instant = at("snippet", "publishedAt", default=..., about="When it became public.")
    view_count: MaybeInt = at("statistics", "viewCount", about="How often it was seen, when it was first read.")
    like_count: MaybeInt = at("statistics", "likeCount", about="None where it is hidden.")
    comment_count: MaybeInt = at("statistics", "commentCount", about="None where comments are off.")
    duration_seconds: Annotated[MaybeInt, BeforeValidator(_seconds)] = at(
        "contentDetails", "duration", about="How long it is."
    )
    competitor: MaybeText = fact("competitor", about="The competing product that its texts name, in lower case.")
    matched_query: MaybeText = fact("matched_query", about="The search that brought it; None: a channel's uploads.")
    company_name: MaybeText = fact("company_name", about="The company that it is about, by its title.")
    company_domain: MaybeText = fact("company_domain", about="The company's domain, by an address in the description.")
    company_confidence: float | None = fact("company_confidence", about="0 to 1: how sure the company is.")
    pain_points: list[str] = fact("pain_points", default=[], about="What is said to hurt: cost, latency and others.")
