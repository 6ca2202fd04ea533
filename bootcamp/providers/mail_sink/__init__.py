"""A mail server that delivers nothing: it records each message and answers as scripted."""
