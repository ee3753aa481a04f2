"""What every emulator needs, declared once: access, limits, errors, paging, filters, rendering, writes and discovery.

What only one system does (its search language, its shapes, its quirks) belongs to that system's own package.
"""
