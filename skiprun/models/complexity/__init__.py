"""Parameters, multiply-adds and block tables of networks, without training them."""
