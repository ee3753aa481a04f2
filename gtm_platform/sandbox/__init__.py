"""The world in the box: a seeded world of companies and people, and the HTTP APIs of the systems that know them.

It shares no code with the platform, in either direction: the twin must not share its original's mistakes.
"""
