"""Studies on disk: nothing that was computed is lost."""
