"""Runs the runs: claims them, calls the model, writes what happens. Knows nothing of HTTP."""
