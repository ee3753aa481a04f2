"""Models that are trained each month, each declared by a value: registry, asset with checks and schedule, daily scores.

How they are trained stands in `intelligence.learning`; what they foretell, in a room each (`churn`, `leads`).
"""
