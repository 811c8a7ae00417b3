"""The contract as data: validation, objects, deltas."""
