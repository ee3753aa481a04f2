"""Where people look: one immutable file per landing (`snapshot`), how it is read (`store`), the metrics, the API.

Whatever shows something, reads the store; nothing here computes what belongs into a daily table.
"""
