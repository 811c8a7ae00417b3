"""The contract: our structs and answers against the facts of the API description."""
