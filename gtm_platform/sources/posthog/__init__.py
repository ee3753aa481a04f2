"""PostHog as a source: who uses the product, where they came from, and how much they use it."""
