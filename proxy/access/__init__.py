"""Who may call, and whether there is room: client keys and admission."""
