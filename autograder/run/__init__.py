"""One grading run: the pytest plugin, the session, and the results."""
