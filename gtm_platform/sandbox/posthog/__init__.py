"""An emulator of PostHog: queries in HogQL, and the lists of persons and cohorts."""
