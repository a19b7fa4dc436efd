"""Events to receivers that owners name: kept, fanned out, delivered, given up, replayed."""
