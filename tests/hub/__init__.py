"""The fan-out, as a subscriber sees it."""
