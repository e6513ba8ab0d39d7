"""Generators: photo and recipe in, frames out."""
