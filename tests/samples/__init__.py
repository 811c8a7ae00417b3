"""The samples of azure-ai-agents, unmodified, against a server: `make samples`."""
