"""The ways to run it in docs/examples, in containers of the built image, on an engine that is there."""
