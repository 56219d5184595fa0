"""Many replicas, against a real Redis."""
