"""A histogram with a label: how large uploads are, by their kind."""

from prometheus_client import CollectorRegistry, Histogram

OURS = CollectorRegistry()

UPLOAD_BYTES = Histogram(
    "upload_bytes",
    "Sizes of uploads.",
    ["kind"],
    buckets=[1_000, 10_000, 100_000, 1_000_000],
    registry=OURS,
)


def observe(kind: str, size: int) -> None:
    """Count one upload."""
    UPLOAD_BYTES.labels(kind).observe(size)


def main() -> None:
    for size in (700, 48_211, 52_000, 3_000_000):
        observe("pdf", size)
    for family in OURS.collect():
        for sample in family.samples:
            if sample.name == "upload_bytes_bucket":
                print(f"up to {sample.labels['le']:>9} bytes: {sample.value:.0f}")


if __name__ == "__main__":
    main()
