"""The demo: a stage and the scenes that are played on it."""
