"""Expressions that several rooms share and that every engine computes alike: days, money, joins, rounding, literals."""
