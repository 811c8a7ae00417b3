"""The code_interpreter tool (spec 04 §3.4, 06)."""
