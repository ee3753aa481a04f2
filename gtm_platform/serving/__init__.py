"""Where people look: one immutable file per landing (`snapshot`), how it is read (`store`), the metrics, the API.

Dashboard, API and chat read the store; nothing here computes what belongs into a daily table. Reports are of days that
are over: they read the daily tables, by the metrics of this room.
"""
