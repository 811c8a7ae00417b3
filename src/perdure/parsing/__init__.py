"""From the bytes of a file to chunks of its text. Files are hostile."""
