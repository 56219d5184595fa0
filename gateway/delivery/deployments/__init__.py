"""What Argo CD did, as deployments: each observation of an application, in its order, through a state machine.

Told apart are deployments, the three kinds of rollback, self-heals, restarts, dry runs and partial syncs. Pure. Never
belongs here: what senders tell, or a database.
"""
