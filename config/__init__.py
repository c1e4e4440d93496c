"""Settings, encoding profiles, and the building of a House from them."""
