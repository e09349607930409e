"""Bytes to values and back: no files, no clock, no network.

Every parser here is strict: what it does not understand is malformed, every size is
bounded before it is read, and two readers can never differ about the same bytes.
"""
