"""Usage and limits of projects as one server knows them: counts, sliding minutes, spend."""
