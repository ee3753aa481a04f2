"""An emulator of Chroma's admin panel."""
