"""The graders of each week, and the engine that runs them."""
