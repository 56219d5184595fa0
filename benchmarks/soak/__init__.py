"""The soak: a recorded day over and over, hundreds who come and go, and whether anything is left of it.

``watched`` is the gateway, in a process that tells of itself; ``story`` plays Argo CD and the senders of webhooks, in
another; ``visitors`` come and go from this one, which takes the samples (``course``) and judges (``trend``).
"""
