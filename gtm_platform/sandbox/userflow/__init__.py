"""An emulator of the Userflow API."""
