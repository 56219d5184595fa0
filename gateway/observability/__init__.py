"""What operators see: logs, metrics, health. Readings in, texts out; nothing here changes what the gateway does."""
