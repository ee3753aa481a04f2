"""Which records mean the same person or company, by their values alone: without labels, and without rules of blocking.

`roles` and `records` look at the columns, `blocking` proposes pairs, `comparison` looks at them, `model` learns what a
likeness is worth, `clusters` decides; `linker` runs them in this order. `company_names` matches names of companies
alone. `tables` does either for whole files.
"""
