"""What ragqa keeps of its user between two calls, in private files: `ragqa.safe` has the care."""
