"""The fast half of the path: from a folder to a queued job."""
