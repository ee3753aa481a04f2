"""Runs the migrations on the connection, and in the transaction, of whoever opens the state."""

from alembic import context

from gtm_platform.state.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
