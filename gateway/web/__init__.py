"""HTTP: requests in, snapshots, streams and problems out.

Parses what clients send and says what is wrong with it; decides nothing about the state or about who is sent what.
"""
