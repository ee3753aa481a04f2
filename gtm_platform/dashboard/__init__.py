"""The dashboard: what account managers open in the morning. Every page reads `serving.store`, and nothing else.

A page is a module in `pages` with a `Page` as PAGE; a file put there is a page, listed nowhere.
"""
