"""Webhooks as a serverless function (Vercel, or any other that takes an ASGI app): signed, committed, answered."""

from gtm_platform.serving.hooks.app import app

__all__ = ["app"]
