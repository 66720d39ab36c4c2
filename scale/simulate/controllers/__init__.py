"""Scaling controllers as pure classes. Time comes in as `now` in seconds, metrics as values, None where missing.

They hold no clock and do no I/O, so that the same class acts on a simulated fleet and on a live one.
"""
