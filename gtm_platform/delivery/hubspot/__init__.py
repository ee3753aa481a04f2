"""Object types into HubSpot: plan, diff, guard, journal, send, verify; each step stands in a module of that name."""
