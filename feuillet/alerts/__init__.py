"""How alerts leave the server: by e-mail, by an SMS gateway, by notification; and the threads that send them."""
