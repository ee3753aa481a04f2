"""Canaries: synthetic customers that live in production, and what each stage has to have seen of them by when."""
