"""A stand-in for the OpenAI service: embeddings, chat completions, models; scripted faults."""
