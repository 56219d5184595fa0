"""The state: unreliable, repeated, reordered events in; ordered changes out, each with both sides.

Decides what is news; never how it came (``upstream``) or who wants it (``hub``). ``file`` keeps the last state over a
restart.
"""
