"""The dashboard, used in a browser as a person uses it: `make test-ui`."""
