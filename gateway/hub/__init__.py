"""Fan-out: views of the log, frames made once for all who share a view, and subscribers who may be slow.

Knows the log's history and bytes on transports; nothing of Argo CD, of HTTP's requests or of who may see what. No
queue, task or timer belongs to a subscriber.
"""
