"""An emulator of the Orb API."""
