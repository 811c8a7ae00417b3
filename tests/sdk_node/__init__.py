"""The official Node SDK, old and new, as a program would use it."""
