"""What keeps the repository in order: generated files and house rules. Not part of the package."""
