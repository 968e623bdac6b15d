"""The whole system on one machine without Docker: real servers and the services as child processes."""
