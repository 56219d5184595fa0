"""A gateway's end, gentle or sudden, seen by those behind a balancer that notices late."""
