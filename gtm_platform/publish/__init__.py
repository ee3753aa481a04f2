"""Copies of daily tables in a warehouse, for analysts: chosen by the policy, a day replaced at once.

Each warehouse is a package here, discovered by its `warehouse.py`; what they share is `publishing.py` and the seam that
it speaks to, `warehouse.py`.
"""
