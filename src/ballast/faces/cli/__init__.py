"""The operations as commands, with tables for people and JSON for machines."""
