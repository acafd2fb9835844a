"""What has state or talks to the outside, behind small interfaces; opened and closed by the kit."""
