"""What runs together: the daemon, one-shot animation, and what looks after them."""
