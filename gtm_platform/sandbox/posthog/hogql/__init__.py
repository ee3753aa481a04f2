"""The part of HogQL that a reader of events and persons needs: one SELECT, filters, groups, order and limit.

Joins, unions, windows and arrays are not part of it; a query that needs them is refused as one with a wrong syntax is.
"""
