"""Signing in: how an account of Kiro's becomes an entry of the credentials file.

providers     who lets people in, as data; `addresses` and `pkce` are the pure parts of a sign-in in a browser
desk          the calls of a sign-in, and how they fail
oidc          AWS's sign-in service, for Builder IDs and organisations; `polling` is its waiting, pure
device        a sign-in by device code, from the first call to the tokens
browser       a sign-in in a browser: the address to open, and the code that comes back; `loopback` is the port it comes to
signed_in     tokens as an entry
verification  what Kiro says of the account; `completion` is that and the storing
person        whose account an entry is; `enrolment` puts it into the store, in the place of an older sign-in
"""
