"""How fast a class is graded, and whether a right solution ever fails."""
