"""The emoji of alerts, summaries and reactions by their names in Slack. The rest stay as `:name:`."""

import re

_EMOJI = {
    "+1": "👍",
    "-1": "👎",
    "alarm_clock": "⏰",
    "arrow_down": "⬇️",
    "arrow_up": "⬆️",
    "bar_chart": "📊",
    "bell": "🔔",
    "calendar": "📅",
    "chart_with_downwards_trend": "📉",
    "chart_with_upwards_trend": "📈",
    "dart": "🎯",
    "exclamation": "❗",
    "eyes": "👀",
    "fire": "🔥",
    "heavy_check_mark": "✔️",
    "hourglass": "⌛",
    "large_green_circle": "🟢",
    "large_orange_circle": "🟠",
    "large_yellow_circle": "🟡",
    "link": "🔗",
    "mag": "🔍",
    "moneybag": "💰",
    "no_entry": "⛔",
    "red_circle": "🔴",
    "rocket": "🚀",
    "rotating_light": "🚨",
    "sparkles": "✨",
    "tada": "🎉",
    "warning": "⚠️",
    "wave": "👋",
    "white_check_mark": "✅",
    "x": "❌",
}


def emoji(name: str) -> str:
    """The emoji of a name, or the name between colons."""
    return _EMOJI.get(name, f":{name}:")


def with_emoji(text: str) -> str:
    """The text with its `:name:` marks as emoji."""
    return re.sub(r":([a-z_]+):", lambda match: emoji(match.group(1)), text)
