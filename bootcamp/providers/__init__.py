"""Stand-ins for services that cost money or need a network, and the clients that script them."""

from bootcamp.providers.clients import Delivery, JournalEntry, OpenAIControl, WebhookSink
from bootcamp.providers.faults import Fault
from bootcamp.providers.feed_clients import FeedRequest, FeedServer
from bootcamp.providers.mail_clients import Mail, MailSink

__all__ = [
    "Delivery",
    "Fault",
    "FeedRequest",
    "FeedServer",
    "JournalEntry",
    "Mail",
    "MailSink",
    "OpenAIControl",
    "WebhookSink",
]
