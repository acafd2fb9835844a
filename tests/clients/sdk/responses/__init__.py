"""The Responses and Conversations APIs with the official SDK, at every vendor and at a server that has chat alone.

An SDK without these APIs, such as that of July 2024, collects nothing here.
"""
