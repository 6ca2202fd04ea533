"""Grader validation: solutions whose outcome is known, and the page that lists them."""
