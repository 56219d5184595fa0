"""The detail of one application: asked of Argo CD while somebody looks, once for all who do, and put into one document.

Belongs here: what to ask and when, what it means in a sentence, and the log that the hub fans out. Never belongs here:
HTTP, who may see what, or anything that must be known while nobody looks.
"""
