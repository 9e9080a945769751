"""The gateway: what all requests and the owner share, whoever asks over HTTP.

`opening` builds it from the settings, `gateway` is the whole, `keys` says who may talk to it. The rooms above (`web` for
clients, `admin` for the owner) are strangers to each other; what both need is here, and here nobody knows the web framework.
"""
