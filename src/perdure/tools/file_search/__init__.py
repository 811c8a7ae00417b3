"""The file_search tool (spec 06 §1)."""
