"""`python -m bootcamp.providers.webhook_sink --port N` with CONTROL_TOKEN in the environment."""

from bootcamp.providers.serving import main
from bootcamp.providers.webhook_sink.app import create_app

main("webhook_sink", create_app)
