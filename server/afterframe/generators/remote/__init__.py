"""Servers of the OpenAI Videos protocol."""
