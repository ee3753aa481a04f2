"""How far what is known can be trusted."""
