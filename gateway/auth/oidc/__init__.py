"""Login by OpenID Connect: people by the code flow and a sealed cookie, services by bearer JWTs.

Here belong the checks of what a provider says and the session that comes of it. ``discovery``, ``keys``, ``claims``,
``flow``, ``session``, ``cookie`` and ``memory`` are pure: time and randomness are arguments (but for the initialisation
vectors that joserfc draws). ``provider`` asks the provider, ``door`` puts all together. Never belongs here: routes and
pages (``web.login``), what somebody may see (``auth.grant``), or cryptography made at home: joserfc does all of it.
"""
