"""What graders are written with."""
