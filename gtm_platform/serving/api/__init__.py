"""The REST API over the store. An endpoint is a module in `endpoints` with its routes as ROUTER, listed nowhere."""
