"""The contract as data: one struct per API object, which is body, row and event at once.

Fields stand in the order of the wire (spec 01). `encode` and `decode` are the only way in and
out of JSON.
"""
