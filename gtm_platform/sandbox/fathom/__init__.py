"""An emulator of the Fathom External API."""
