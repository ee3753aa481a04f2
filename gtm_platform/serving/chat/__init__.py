"""The store for chat programs, by the Model Context Protocol: tools that read, with the tokens and masks of the API."""
