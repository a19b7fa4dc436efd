"""Pure computation: no I/O, no clock, no randomness, no float where money is concerned."""
