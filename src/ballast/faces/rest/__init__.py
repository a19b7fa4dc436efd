"""The operations as REST routes, and their description as OpenAPI."""
