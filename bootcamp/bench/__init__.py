"""`make bench`: what each idea of the course buys, as ratios measured side by side in one run."""
