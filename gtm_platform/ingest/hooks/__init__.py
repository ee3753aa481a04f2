"""Webhooks: what a system's hook declares, how its deliveries are verified, and how windows are read because of them.

An event is a hint: whatever it says, the source is asked. Only what cannot be asked for is taken from the event itself.
Receiving is `serving/hooks`; what was received lies in the state (`state/hook_events`).
"""
