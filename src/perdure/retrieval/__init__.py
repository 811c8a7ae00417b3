"""From the bytes of a file to ranked passages."""
