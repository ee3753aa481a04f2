"""Orb's invoices and credit notes as the API shows them."""

from decimal import Decimal

from gtm_platform.sandbox.orb.render import Shape, instant, minified, money, price
from gtm_platform.sandbox.orb.store import OrbCreditNote, OrbInvoice, OrbLine, OrbStore


def summary(record: OrbInvoice, store: OrbStore) -> Shape:
    """An invoice without its lines. Unless it is paid or void, all of it is due."""
    owed = record.total if record.status in ("draft", "issued") else Decimal(0)
    last = record.attempts[-1] if record.attempts else None
    automatic = record.auto_collection
    return {
        "id": record.id,
        "invoice_number": record.number,
        "invoice_source": "subscription",
        "status": record.status,
        "currency": record.currency,
        "created_at": instant(record.created),
        "invoice_date": instant(record.date),
        "issued_at": instant(record.issued),
        "due_date": instant(record.due),
        "paid_at": instant(record.paid),
        "payment_received_at": instant(record.paid) if record.total else None,
        "voided_at": instant(record.voided),
        "issue_failed_at": None,
        "payment_failed_at": instant(record.failed),
        "payment_started_at": instant(last.at) if last else None,
        "sync_failed_at": None,
        "eligible_to_issue_at": None,
        "scheduled_issue_at": None,
        "will_auto_issue": record.status == "draft",
        "total": money(record.total, record.currency),
        "amount_due": money(owed, record.currency),
        "auto_collection": {
            "enabled": automatic,
            "next_attempt_at": instant(record.next_attempt),
            "num_attempts": len(record.attempts) if automatic else None,
            "previously_attempted_at": instant(last.at) if last else None,
        },
        "payment_attempts": [
            {
                "id": attempt.id,
                "amount": money(attempt.amount, record.currency),
                "created_at": instant(attempt.at),
                "payment_provider": "stripe",
                "payment_provider_id": f"pi_{attempt.id}",
                "receipt_pdf": None,
                "succeeded": attempt.succeeded,
            }
            for attempt in record.attempts
        ],
        "customer": minified(store.customers[record.customer]),
        "subscription": {"id": record.subscription},
        "credit_notes": [_within(note, record) for note in store.credit_notes.values() if note.invoice == record.id],
        "customer_balance_transactions": [],
        "hosted_invoice_url": f"https://portal.withorb.com/invoice/{record.id}",
        "invoice_pdf": None,
        "memo": None,
        "metadata": {},
        "billing_address": None,
        "shipping_address": None,
        "customer_tax_id": None,
    }


def invoice(record: OrbInvoice, store: OrbStore) -> Shape:
    """An invoice with its lines."""
    return {
        **summary(record, store),
        "subtotal": money(record.subtotal, record.currency),
        "discount": None,
        "discounts": [],
        "minimum": None,
        "minimum_amount": None,
        "maximum": None,
        "maximum_amount": None,
        "hidden_line_item_count": 0,
        "line_items": [_line(line, record) for line in record.lines],
    }


def _line(line: OrbLine, record: OrbInvoice) -> Shape:
    amount, subtotal = money(line.amount, record.currency), money(line.subtotal, record.currency)
    shown = price(line.price)
    return {
        "id": line.id,
        "item_id": shown["item"]["id"],
        "name": line.name,
        "quantity": float(line.quantity),
        "amount": amount,
        "subtotal": subtotal,
        "adjusted_subtotal": amount,
        "credits_applied": money(Decimal(0), record.currency),
        "partially_invoiced_amount": money(Decimal(0), record.currency),
        "start_date": instant(line.start),
        "end_date": instant(line.end),
        "filter": None,
        "grouping": None,
        "adjustments": [],
        "sub_line_items": [],
        "tax_amounts": [],
        "usage_customer_ids": None,
        "price": shown,
    }


def _within(note: OrbCreditNote, record: OrbInvoice) -> Shape:
    return {
        "id": note.id,
        "credit_note_number": note.number,
        "memo": None,
        "reason": "Order change",
        "total": money(note.total, record.currency),
        "type": note.type,
        "voided_at": None,
    }


def credit_note(record: OrbCreditNote, store: OrbStore) -> Shape:
    """A credit note."""
    invoice_ = store.invoices[record.invoice]
    total = money(record.total, invoice_.currency)
    line = invoice_.lines[0]
    return {
        "id": record.id,
        "credit_note_number": record.number,
        "credit_note_pdf": None,
        "created_at": instant(record.created),
        "customer": minified(store.customers[record.customer]),
        "invoice_id": record.invoice,
        "line_items": [
            {
                "id": f"{record.id}l",
                "amount": total,
                "item_id": price(line.price)["item"]["id"],
                "name": line.name,
                "quantity": None,
                "subtotal": total,
                "tax_amounts": [],
                "discounts": [],
                "start_time_inclusive": instant(line.start),
                "end_time_exclusive": instant(line.end),
            }
        ],
        "maximum_amount_adjustment": None,
        "memo": None,
        "minimum_amount_refunded": None,
        "reason": "Order change",
        "subtotal": total,
        "total": total,
        "type": record.type,
        "voided_at": None,
        "discounts": [],
    }
