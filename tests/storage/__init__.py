"""What every database must do."""
