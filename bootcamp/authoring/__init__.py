"""What makes the course's files: exercises, pages, the merged package, the student edition."""
