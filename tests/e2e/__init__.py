"""The whole gateway on real sockets, against a fake Argo CD, watched by real HTTP clients."""
