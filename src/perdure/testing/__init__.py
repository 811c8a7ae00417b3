"""Test doubles for programs that use Perdure: a scripted model, a scripted sandbox, a manual
clock.
"""
