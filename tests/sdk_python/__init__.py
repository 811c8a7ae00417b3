"""The official Python SDK, old and new, as a program would use it."""
