"""Userflow as a source: who was seen in the product when, and how far the onboarding got."""
