"""An alert has a subject: a customer, and also a run, an asset or another thing, where it had only a customer."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

messages = sa.table(
    "slack_messages",
    *(sa.column(name, sa.String) for name in ("fingerprint", "kind", "customer_id", "subject_kind", "subject_id")),
    sa.column("id", sa.Integer),
    sa.column("facts", sa.JSON),
)


def upgrade() -> None:
    """Give each alert a subject of a kind; so far each was about a customer, or a failed run."""
    op.drop_index("slack_messages_of_a_customer", "slack_messages")
    op.add_column("slack_messages", sa.Column("subject_kind", sa.String(16)))
    op.add_column("slack_messages", sa.Column("subject_id", sa.String(200)))
    connection = op.get_bind()
    connection.execute(sa.update(messages).values(subject_kind="customer", subject_id=messages.c.customer_id))
    for row in connection.execute(sa.select(messages).where(messages.c.kind == "run_failure")).all():
        connection.execute(sa.update(messages).where(messages.c.id == row.id).values(**_failed_run(row)))
    with op.batch_alter_table("slack_messages") as table:
        table.alter_column("subject_kind", existing_type=sa.String(16), nullable=False)
        table.alter_column("subject_id", existing_type=sa.String(200), nullable=False)
        table.drop_column("customer_id")
    op.create_index("slack_messages_of_a_subject", "slack_messages", ["kind", "subject_id"])


def _failed_run(row: Any) -> dict[str, Any]:
    """The only alerts without a customer were those of failed runs; their kind is worded as the others are, too."""
    facts = row.facts
    run_id = str(facts.get("run_id") or row.fingerprint.partition(":")[2])
    return {
        "kind": "run_failed",
        "fingerprint": f"run_failed:{run_id}",
        "subject_kind": "run",
        "subject_id": run_id,
        "facts": {"run_id": run_id, "what": facts.get("job", "a run"), "why": facts.get("why", "")},
    }
