"""The page that shows which webhooks arrived, the newest first, and whether each is signed rightly."""

import json
from html import escape

from gtm_platform.sandbox.hookbin.store import RIGHT, HookStore, ReceivedHook
from gtm_platform.sandbox.page_layout import document

MOST_SHOWN = 200


def page(store: HookStore, address: str, error: str = "") -> str:
    """The webhooks that arrived at an address."""
    right = sum(hook.verdict == RIGHT for hook in store.received)
    repeats = sum(hook.is_repeat for hook in store.received)
    rows = "".join(_row(hook) for hook in reversed(store.received[-MOST_SHOWN:]))
    nothing = "" if rows else "<p>Nothing has arrived yet.</p>"
    body = f"""<h1>Webhooks that arrived</h1>
<p class="lead">{len(store.received):,} so far, {right:,} of them with a right signature, {repeats:,} repeated. Post to
<code>{escape(address)}hooks/NAME</code>: <code>gtm trigger add {escape(address)}hooks/NAME --from-beginning</code>
prints an id and a secret; enter the secret here, and signatures are verified.</p>
<p role="status">{escape(error)}</p>
<form method="post" action="{escape(address)}secrets">
<label>Name<input name="name" placeholder="NAME" required></label>
<label>Secret<input name="secret" placeholder="whsec_…" size="52" required></label>
<button class="primary">Verify with it</button></form>
<section class="card"><div class="scroll"><table>
<tr><th>At</th><th>Name</th><th>Signature</th><th>Type</th><th>Subject</th><th>Changed</th><th>Now</th><th>Id</th></tr>
{rows}</table></div>{nothing}</section>"""
    return document("Webhooks that arrived", body, wide=True)


def _row(hook: ReceivedHook) -> str:
    payload = hook.payload
    data = payload.get("data")
    data = data if isinstance(data, dict) else {}
    changed = data.get("changed")
    cells = (
        f"{hook.at:%Y-%m-%d %H:%M:%S}",
        hook.name,
        hook.verdict,
        str(payload.get("type", "")),
        str(data.get("customer_id") or data.get("company_id") or ""),
        ", ".join(map(str, changed)) if isinstance(changed, list) else "",
        json.dumps(data["after"], ensure_ascii=False) if "after" in data else hook.body[:200],
        hook.headers.get("webhook-id", "") + (" (again)" if hook.is_repeat else ""),
    )
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
