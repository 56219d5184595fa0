"""A player of recorded Argo CD streams, as an Argo CD on a loopback port, with the recordings that it plays.

The gateway that watches it is the ordinary one, and nothing outside this package knows of a demo but the command line.
"""
