"""Events to people: channels that an owner keeps at a terminal, and messages that group events."""
