"""An emulator of the Calendly API v2."""
