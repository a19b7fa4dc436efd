"""Faces: each translates between a protocol and the operations, and decides nothing."""
