"""Grading a class: what was handed in, whose it is, when it came, what it earned, and who is told."""
