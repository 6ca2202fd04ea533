"""`python -m bootcamp.providers.mail_sink --port N` with CONTROL_TOKEN and SMTP_PORT in the environment."""

from bootcamp.providers.mail_sink.app import create_app
from bootcamp.providers.serving import main

main("mail_sink", create_app)
