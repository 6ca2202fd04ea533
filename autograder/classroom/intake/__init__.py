"""What was handed in, by whom, and what of it is taken."""
