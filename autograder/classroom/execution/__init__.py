"""Grading a class: the pool of grading processes, containers, and the records."""
