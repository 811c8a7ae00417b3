"""The API's objects as data: one struct for each object, which is body, row and event at once.

Fields stand in the order of the wire (spec 01). `encode` and `decode` are the only way in and out
of JSON.
"""
