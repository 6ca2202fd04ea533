"""The bootcamp's machinery: the command line, the local stack and the stand-in providers."""
