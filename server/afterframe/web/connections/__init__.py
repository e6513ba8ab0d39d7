"""What the web server asks of connections before a request reaches the app."""
