"""Who will become a customer: every company, and everybody without one, with what came of it; features, model, scores.

`outcomes`, `features` and `scores` are daily tables; `labels` says who was won afterwards; `model` declares the model.
"""
