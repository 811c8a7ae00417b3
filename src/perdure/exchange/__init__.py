"""Export and import of all objects: archives, the body that carries one over HTTP, and what drives
both. The rules of single objects are in `commands/exports.py` and `commands/imports.py`.
"""
