"""HTTP, and only HTTP: `routes.ROUTES` is the whole surface; one file per noun."""
