"""What every emulator needs, declared once."""
