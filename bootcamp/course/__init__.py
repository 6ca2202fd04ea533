"""What the course is made of: its weeks, their layers, items and outcomes."""
