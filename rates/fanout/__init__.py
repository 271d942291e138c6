"""From a publication to every socket: one hub per web process, its links, and who may connect."""
