"""Erasing people, handing out what is known of them, and how long personal data are kept."""
