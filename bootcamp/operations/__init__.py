"""Running the pipeline on a server: secrets, rolling restarts, backup and restore.

All modules except `local` need only Python's standard library, because a server has no `.venv`.
"""
