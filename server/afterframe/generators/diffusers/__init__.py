"""Trained models on this machine's GPU."""
