"""An emulator of ListKit's admin dashboard."""
