"""What a student's commands need: progress, overview, watching, reset."""
