"""`make chaos`: the reference pipeline, broken on purpose while it works."""
