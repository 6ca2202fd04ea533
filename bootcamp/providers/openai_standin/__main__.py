"""`python -m bootcamp.providers.openai_standin --port N` with CONTROL_TOKEN in the environment."""

from bootcamp.providers.openai_standin.app import create_app
from bootcamp.providers.serving import main

main("openai_standin", create_app)
