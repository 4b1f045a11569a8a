"""Chains of empty functions."""
