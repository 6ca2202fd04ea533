"""A place that webhooks are sent to: it records them byte for byte and answers as scripted."""
