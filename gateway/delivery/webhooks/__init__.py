"""What senders post, checked and translated: one module for each sender, from (headers, body) to ``DeliveryEvent``s.

``sender`` is the registry. Each sender verifies first and parses afterwards; both are pure, the time of receipt is
part of the request. ``…_raw`` are the shapes of a sender's JSON; ``signature``, ``body``, ``facts``, ``references``,
``kinds`` and ``clues`` are what they share. Never belongs here: HTTP, settings, storage, or joining one sender's facts
with another's.
"""
