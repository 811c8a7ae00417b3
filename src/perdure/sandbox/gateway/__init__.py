"""Sessions in the kernels of a Jupyter gateway."""
