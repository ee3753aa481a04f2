"""What a spreadsheet would run: text that begins like a formula is marked as text where it is written to a CSV file."""

from typing import Any

FORMULA = tuple("=+-@\t\r\n＝＋－＠")
MARK = "'"


def guarded(value: Any) -> Any:
    """Return a cell as a spreadsheet may open it: text that it would run is marked; numbers stay numbers."""
    return f"{MARK}{value}" if isinstance(value, str) and _runs(value) else value


def unguarded(text: str) -> str:
    """Return the text that was marked."""
    return text[1:] if text.startswith(MARK) and _runs(text[1:]) else text


def _runs(text: str) -> bool:
    return text.lstrip(" ").startswith(FORMULA)
