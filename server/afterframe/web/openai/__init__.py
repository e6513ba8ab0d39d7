"""The routes under /v1: the OpenAI Videos protocol."""
