"""The whole platform with its daemon under an accelerated clock, and what it did, counted. No test looks at it."""
