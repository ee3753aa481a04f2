"""A receiver of the platform's webhooks: who posts is verified by the secret, and each message is taken once."""

import base64
import hashlib
import hmac
import json
import time

SECRET = "whsec_…"  # as gtm trigger add printed it
TAKEN: set[str] = set()  # in a database, with what you do about it, in one transaction


def is_signed(secret, headers, body, now=None):
    """Whether the platform sent it, and within the last five minutes; `body` is the bytes as they came."""
    stamp = headers["webhook-timestamp"]
    if abs((now or time.time()) - int(stamp)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{stamp}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(each, wanted) for each in headers["webhook-signature"].split(" "))


def receive(headers, body, newest, now=None):
    """Take a message, and return the status to answer with; `newest` holds how each customer stands."""
    if not is_signed(SECRET, headers, body, now):
        return 401
    if headers["webhook-id"] not in TAKEN:  # it may come twice
        data = json.loads(body)["data"]
        who = data.get("customer_id") or data.get("company_id")
        if who and data["sequence"] > newest.get(who, {}).get("sequence", 0):  # and after a newer one
            newest[who] = data
        TAKEN.add(headers["webhook-id"])
    return 204
