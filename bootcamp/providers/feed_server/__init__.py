"""A web server of feeds: it serves what it is given, records who asked how, and fails as scripted."""
