"""How the platform's own models learn. It imports pandas, and so is imported when a model is trained, not before."""
