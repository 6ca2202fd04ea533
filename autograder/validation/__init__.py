"""Wrong and unlike solutions: the patches that validate the graders."""
