"""`python -m bootcamp.providers.feed_server --port N` with CONTROL_TOKEN in the environment."""

from bootcamp.providers.feed_server.app import create_app
from bootcamp.providers.serving import main

main("feed_server", create_app)
