"""Argo CD's unreliable stream in, requests out.

``wire`` turns bytes into events, ``normalise`` events into status documents, ``reflector`` decides which requests to
make so that the store equals Argo CD through every failure; all pure. ``argocd`` makes the requests. Nothing here knows
that there are subscribers.
"""
