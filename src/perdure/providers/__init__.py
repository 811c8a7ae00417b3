"""The seam to model servers, and what speaks `/v1/chat/completions` and `/v1/embeddings`."""
