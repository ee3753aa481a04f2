"""Whether Slack would take these blocks: their types, the lengths of texts, how many there are.

Each finding is a sentence with the place it is about, as Slack's `response_metadata.messages` have it.
"""

from collections.abc import Callable, Iterator
from typing import Any

MOST_BLOCKS = 50
MOST_FIELDS, MOST_CONTEXT, MOST_ACTIONS = 10, 10, 25
HEADER_LENGTH, SECTION_LENGTH, FIELD_LENGTH, BUTTON_LENGTH = 150, 3_000, 2_000, 75
BLOCK_ID_LENGTH, ACTION_ID_LENGTH, VALUE_LENGTH, URL_LENGTH = 255, 255, 2_000, 3_000
MARKDOWN_LENGTH = 12_000
MOST_ROWS, MOST_CELLS = 100, 20

Block = dict[str, Any]
Findings = Iterator[str]
Kinds = tuple[str, ...]

TEXT_KINDS: Kinds = ("plain_text", "mrkdwn")


def findings(blocks: list[Any]) -> list[str]:
    """List what is wrong with the blocks of a message; the list is empty when Slack takes them."""
    return list(_all(blocks))


def _all(blocks: list[Any]) -> Findings:
    yield from _count(blocks, MOST_BLOCKS, "/blocks")
    seen: set[str] = set()
    for place, block in enumerate(blocks):
        where = f"/blocks/{place}"
        if not isinstance(block, dict):
            yield _finding("must be an object", where)
            continue
        check = _CHECKS.get(str(block.get("type")))
        if check is None:
            yield _finding(f"unsupported type: {block.get('type')}", f"{where}/type")
            continue
        yield from _string(block, "block_id", BLOCK_ID_LENGTH, where)
        if block.get("block_id") in seen:
            yield _finding("block_id must be unique", f"{where}/block_id")
        seen.add(str(block.get("block_id", where)))
        yield from check(block, where)


def _finding(text: str, where: str) -> str:
    return f"[ERROR] {text} [json-pointer:{where}]"


def _count(items: Any, most: int, where: str) -> Findings:
    if not isinstance(items, list):
        yield _finding("must be an array", where)
    elif len(items) > most:
        yield _finding(f"no more than {most} items allowed", where)


def _string(holder: Block, name: str, most: int, where: str, *, required: bool = False) -> Findings:
    text = holder.get(name)
    if text is None:
        if required:
            yield _finding(f"missing required field: {name}", where)
    elif not isinstance(text, str):
        yield _finding("must be a string", f"{where}/{name}")
    elif required and not text:
        yield _finding("must be more than 0 characters", f"{where}/{name}")
    elif len(text) > most:
        yield _finding(f"must be less than {most + 1} characters", f"{where}/{name}")


def _text(holder: Block, name: str, most: int, where: str, kinds: Kinds = TEXT_KINDS) -> Findings:
    text = holder.get(name)
    if not isinstance(text, dict):
        yield _finding(f"missing required field: {name}", where)
        return
    yield from _text_object(text, most, f"{where}/{name}", kinds)


def _text_object(text: Any, most: int, where: str, kinds: Kinds = TEXT_KINDS) -> Findings:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        yield _finding(f"must be one of: {', '.join(kinds)}", f"{where}/type")
        return
    yield from _string(text, "text", most, where, required=True)


def _header(block: Block, where: str) -> Findings:
    yield from _text(block, "text", HEADER_LENGTH, where, ("plain_text",))


def _section(block: Block, where: str) -> Findings:
    if "fields" in block:
        yield from _count(block["fields"], MOST_FIELDS, f"{where}/fields")
        for place, text in enumerate(_items(block["fields"])):
            yield from _text_object(text, FIELD_LENGTH, f"{where}/fields/{place}")
    if "text" in block or "fields" not in block:
        yield from _text(block, "text", SECTION_LENGTH, where)
    if "accessory" in block:
        yield from _element(block["accessory"], f"{where}/accessory")


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _context(block: Block, where: str) -> Findings:
    yield from _count(block.get("elements"), MOST_CONTEXT, f"{where}/elements")
    for place, element in enumerate(_items(block.get("elements"))):
        here = f"{where}/elements/{place}"
        is_image = isinstance(element, dict) and element.get("type") == "image"
        yield from _image(element, here) if is_image else _text_object(element, SECTION_LENGTH, here)


def _actions(block: Block, where: str) -> Findings:
    yield from _count(block.get("elements"), MOST_ACTIONS, f"{where}/elements")
    for place, element in enumerate(_items(block.get("elements"))):
        yield from _element(element, f"{where}/elements/{place}")


def _element(element: Any, where: str) -> Findings:
    """An interactive element. Only buttons and images are looked into."""
    if not isinstance(element, dict) or not element.get("type"):
        yield _finding("missing required field: type", where)
    elif element["type"] == "image":
        yield from _image(element, where)
    elif element["type"] == "button":
        yield from _text(element, "text", BUTTON_LENGTH, where, ("plain_text",))
        yield from _string(element, "action_id", ACTION_ID_LENGTH, where)
        yield from _string(element, "value", VALUE_LENGTH, where)
        yield from _string(element, "url", URL_LENGTH, where)


def _image(block: Block, where: str) -> Findings:
    if "slack_file" in block:
        yield from _slack_file(block, where)
    else:
        yield from _string(block, "image_url", URL_LENGTH, where, required=True)
    yield from _string(block, "alt_text", VALUE_LENGTH, where, required=True)


def _slack_file(block: Block, where: str) -> Findings:
    """A picture that was uploaded: named by its id or its address, and by nothing beside."""
    file = block["slack_file"]
    if "image_url" in block:
        yield _finding("must provide only one of: image_url, slack_file", where)
    if not isinstance(file, dict) or len({"id", "url"} & set(file)) != 1:
        yield _finding("must provide exactly one of: id, url", f"{where}/slack_file")


def _markdown(block: Block, where: str) -> Findings:
    yield from _string(block, "text", MARKDOWN_LENGTH, where, required=True)


def _table(block: Block, where: str) -> Findings:
    yield from _count(block.get("rows"), MOST_ROWS, f"{where}/rows")
    for place, row in enumerate(_items(block.get("rows"))):
        yield from _count(row, MOST_CELLS, f"{where}/rows/{place}")


def _rich_text(block: Block, where: str) -> Findings:
    if not isinstance(block.get("elements"), list):
        yield _finding("missing required field: elements", where)


def _divider(_block: Block, _where: str) -> Findings:
    yield from ()


_CHECKS: dict[str, Callable[[Block, str], Findings]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "divider": _divider,
    "image": _image,
    "markdown": _markdown,
    "table": _table,
    "rich_text": _rich_text,
}
