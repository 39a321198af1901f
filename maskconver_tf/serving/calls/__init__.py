"""Parts of the clients: retries, connections, pictures to send, and answers."""
