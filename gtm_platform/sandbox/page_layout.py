"""What the sandbox's own pages share: the frame, the looks and the buttons. They load nothing from anywhere."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

_STYLESHEET = """
:root {
  --paper: #f6f7f9; --card: #fff; --text: #1b1f24; --faint: #5f6873; --line: #dce0e5; --link: #0b5cad; --soft: #eef1f4;
  --accent: #0f6d5f; --danger: #b42318; --danger-soft: #fdeceb; --shadow: 0 1px 2px #0000000f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181c; --card: #1e2227; --text: #e4e7ea; --faint: #98a1ab; --line: #343a42; --link: #6ab0f3;
    --soft: #282d34; --accent: #3fb79f; --danger: #ff8a80; --danger-soft: #3a2422; --shadow: none;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", sans-serif; }
.page { max-width: 1120px; margin: 0 auto; padding: 28px 20px 60px; }
.page.wide { max-width: none; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 6px; }
h2 { font-size: 17px; margin: 0 0 10px; }
p { margin: 0 0 10px; }
a { color: var(--link); }
.lead { color: var(--faint); max-width: 72ch; margin-bottom: 20px; }
.faint, caption { color: var(--faint); font-size: 13.5px; }
.grid { display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 16px; }
.card {
  grid-column: span 12; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px;
  box-shadow: var(--shadow); min-width: 0;
}
.card.half { grid-column: span 6; }
.clock { font-size: 30px; font-weight: 650; letter-spacing: -.01em; font-variant-numeric: tabular-nums; }
.clock small { font-size: 15px; font-weight: 500; color: var(--faint); }
.buttons { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 10px; }
button {
  font: inherit; font-size: 14px; font-weight: 550; color: var(--text); background: var(--soft); cursor: pointer;
  border: 1px solid var(--line); border-radius: 7px; padding: 5px 12px;
}
button:hover, button:focus-visible { border-color: var(--accent); }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--card); }
button.break { color: var(--danger); }
.systems { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 14px 28px; }
.system { border-top: 1px solid var(--line); padding-top: 12px; min-width: 0; }
.system h3 { font-size: 16px; margin: 0; display: flex; justify-content: space-between; gap: 10px; flex-wrap: wrap; }
.system h3 span { font-size: 13px; font-weight: 400; color: var(--faint); }
.fault { background: var(--danger-soft); border-radius: 7px; padding: 6px 10px; margin-top: 8px; font-size: 13.5px; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(86px, 1fr)); gap: 8px; margin: 0 0 12px; }
.figures div { display: flex; flex-direction: column-reverse; }
.figures dt { color: var(--faint); font-size: 13px; }
.figures dd { margin: 0; font-size: 21px; font-weight: 600; font-variant-numeric: tabular-nums; }
pre, code { font: 12.5px/1.6 ui-monospace, Menlo, Consolas, monospace; }
pre { background: var(--soft); border-radius: 7px; padding: 10px 12px; margin: 0; overflow-x: auto; }
dl.commands { margin: 0; }
dl.commands dt { margin-top: 10px; color: var(--faint); font-size: 13.5px; }
dl.commands dd { margin: 4px 0 0; display: flex; gap: 8px; align-items: center; }
dl.commands code { background: var(--soft); border-radius: 6px; padding: 5px 10px; flex: 1; overflow-x: auto;
  white-space: nowrap; }
[role=status]:not(:empty) {
  background: var(--card); border: 1px solid var(--accent); border-radius: 8px; padding: 8px 14px; margin-bottom: 16px;
}
form { display: flex; flex-wrap: wrap; gap: 10px; align-items: end; margin-bottom: 14px; }
label { font-size: 13px; color: var(--faint); display: flex; flex-direction: column; gap: 3px; }
input, select {
  font: inherit; color: var(--text); background: var(--card); border: 1px solid var(--line); border-radius: 7px;
  padding: 5px 9px;
}
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { text-align: left; padding: 6px 10px; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--faint); font-weight: 550; position: sticky; top: 0; background: var(--card); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
@media (max-width: 760px) {
  .page { padding: 18px 12px 40px; }
  .card { padding: 14px; }
  .card.half { grid-column: span 12; }
  .systems { grid-template-columns: minmax(0, 1fr); }
  .clock { font-size: 22px; }
}
"""

# A button with data-path calls the sandbox and shows what it answers; one with data-copy copies a text.
_SCRIPT = """
const status = document.querySelector("[role=status]");
status.textContent = sessionStorage.getItem("status") || "";
sessionStorage.removeItem("status");
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-path], button[data-copy]");
  if (!button) return;
  if (button.dataset.copy) {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
    return;
  }
  button.disabled = true;
  try {
    const call = { method: button.dataset.method, body: button.dataset.body };
    const response = await fetch(button.dataset.path, call);
    const answer = response.status === 204 ? {} : await response.json();
    sessionStorage.setItem("status", answer.error || answer.message || "");
  } catch (error) {
    sessionStorage.setItem("status", "The sandbox does not answer: is it still running?");
  }
  location.reload();
});
"""


def document(title: str, body: str, wide: bool = False) -> str:
    """A whole page."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{_STYLESHEET}</style>
</head>
<body><div class="page{" wide" if wide else ""}">
{body}
</div>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def call_button(label: str, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "") -> str:
    """A button that calls one of the sandbox's own routes and shows its answer."""
    attributes = {"data-method": method, "data-path": path}
    if body is not None:
        attributes["data-body"] = json.dumps(body)
    if kind:
        attributes["class"] = kind
    written = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
    return f'<button type="button" {written}>{escape(label)}</button>'


def copy_button(element_id: str, label: str = "Copy") -> str:
    """A button that copies the text of an element."""
    return f'<button type="button" data-copy="{escape(element_id)}">{escape(label)}</button>'
