"""Which facts belong to which deployment, how surely, and why. Pure: the facts are given.

A wrong link is worse than none: what is ambiguous is said to be so. Never belongs here: where facts are kept.
"""
