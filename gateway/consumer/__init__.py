"""The other side of the wire: reading a gateway's stream as any client would, over HTTP alone.

For ``gateway tail``, ``gateway status`` and ``gateway conformance``. Knows the contract, nothing of the gateway's
inside.
"""
