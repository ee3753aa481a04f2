"""Lists as mkdocs reads them: four spaces before what belongs to an item, where GitHub wants the width of its mark."""

import re

ITEM = re.compile(r"(\d+\. |- )")
INDENT = 4


def spaced(markdown: str) -> str:
    """Return the text with what belongs to an item of a list indented by four, and a blank line before each list."""
    lines: list[str] = []
    width, fenced = 0, False  # of the mark of the item that goes on; 0 outside of a list
    for line in markdown.split("\n"):
        if line.startswith("```"):
            fenced, width = not fenced, 0
        elif not fenced and (item := ITEM.match(line)):
            if lines and lines[-1].strip() and (not width or lines[-1].startswith(" ")):
                lines.append("")
            width = len(item[1])
        elif not fenced and width and line.strip():
            if line.startswith(" " * width):
                line = " " * (INDENT - width) + line
            else:
                width = 0
        lines.append(line)
    return "\n".join(lines)
