"""Who somebody is, and what they may see and do: identities, grants, and the files that say so.

Identities come from tokens, from a trusted proxy or from a login (``oidc``); grants come from the access file. Never
belongs here: routes and status codes (``web``), what somebody *asks* to see (``model.selector``), or cryptography made
at home.
"""
