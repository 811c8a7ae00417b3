"""What Perdure costs, measured against a plain relay of the same stream: `make bench`."""
