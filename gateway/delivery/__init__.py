"""From commit to healthy: what happened to a change, told by those who did it, joined with what Argo CD did.

Senders' webhooks become ``events`` (``webhooks``), Argo CD's operations become ``deployments``; ``correlate`` links
them and says why; ``timeline`` and ``kpi`` read the result. All of that is pure. ``repository`` keeps it, ``runner``
feeds it. Never belongs here: HTTP routes (``web``), or the state of applications as subscribers see it (``store``,
``log``).
"""
