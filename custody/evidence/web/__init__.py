"""Pages that somebody else captured from the web. Nothing is fetched, nothing is rendered, no script is run."""
