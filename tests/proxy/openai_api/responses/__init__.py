"""Tests of the Responses and Conversations APIs in one process: scripted vendors, a store that fails, clients that leave."""
