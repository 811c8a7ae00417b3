"""What `deploy/` holds: read by the programs that it is for, and used."""
