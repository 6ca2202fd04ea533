"""From results to grades: lateness, summary, similarity."""
