"""Real proxies with the configurations of ``docs/proxies``, before a real gateway."""
