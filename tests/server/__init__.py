"""The HTTP server as clients meet it: a real process, real sockets."""
