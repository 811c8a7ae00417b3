"""Indexing of files' text, and search in it."""
