"""The words of the gateway: what an application's status, a change, a position and a selector are.

Everything here is pure data and arithmetic on it. No event loop, socket, clock, dice, logger or file; nothing here
knows Argo CD's JSON (that is ``upstream``) or the bytes of a frame (that is ``hub``).
"""
