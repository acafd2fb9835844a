"""Codecs: exchanges that write the requests and read the responses of a vendor's protocol."""
