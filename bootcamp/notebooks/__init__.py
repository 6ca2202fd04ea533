"""What the notebooks import, and what nbgrader is given."""
