"""From a publication to every socket: one hub per web process, its links to the clients, and who may connect."""
