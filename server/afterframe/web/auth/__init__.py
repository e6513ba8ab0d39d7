"""Access control: who may call, and which paths they may name."""
