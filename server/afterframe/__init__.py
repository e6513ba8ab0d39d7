"""Afterframe: a photographer's export folder that brings its photos to life."""

__version__ = "0.1.0"
