"""Bytes become ranked passages: parse, chunk. Knows no HTTP and no database."""
