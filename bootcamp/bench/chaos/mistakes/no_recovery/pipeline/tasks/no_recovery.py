"""A pipeline whose sweep recovers nothing: what loses its message or its worker stays where it is."""

from pipeline.tasks import recovery


def nothing() -> int:
    """Recover nothing."""
    return 0


recovery.recover = nothing  # type: ignore[assignment]
