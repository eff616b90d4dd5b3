"""What the demo account is made of: who is in it, what they write, and how a ticket goes. `data` plays it."""
