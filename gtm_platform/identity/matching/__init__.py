"""Which records mean the same person or company, judged by their values alone; needs no labels and no rules of blocking.

`roles` and `records` look at the columns, `blocking` proposes pairs, `comparison` looks at them, `model` learns what a
likeness is worth, `clusters` decides; `linker` runs them in this order. `company_names` matches a single column of names.
"""
