"""Who will churn: what is known of each customer on a day, a model of each month, and what it says each day.

`features` and `scores` are daily tables; `labels` says who churned afterwards; `model` declares the monthly model.
"""
