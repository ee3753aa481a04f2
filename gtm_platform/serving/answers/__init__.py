"""What people ask of a morning, a module a question; dashboard, API and chat all show what these answer.

A question that is a plain list of customers or a metric by day needs no module: the store answers it.
"""
