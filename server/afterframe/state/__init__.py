"""The state file: the queue, the catalogue, and the lists of the page. All SQL stands here."""
