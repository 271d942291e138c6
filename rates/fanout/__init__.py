"""
From a publication to every socket: one hub per web process, its links to the clients, and who may connect.

    consumers                      `/ws/rates`: the protocol of one socket
    admission, tokens, handshake   who may connect, and how that is answered
    hub, sockets                   holds the newest board and feeds the sockets; what it knows of a client
    subscription                   how publications reach the hub, and what happens when Redis fails
    server, links                  the link to a socket under each server
    slow_clients                   closes a client that reads too slowly
    check_times                    when which client has to be checked
    drain                          SIGTERM: clients are told when to reconnect
    close_codes                    why the server closes a socket
"""
