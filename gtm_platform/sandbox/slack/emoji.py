"""The emoji that alerts and summaries use, by the names Slack gives them. Others stay as `:name:`."""

import re

_EMOJI = {
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


def with_emoji(text: str) -> str:
    return re.sub(r":([a-z_]+):", lambda found: _EMOJI.get(found.group(1), found.group()), text)
