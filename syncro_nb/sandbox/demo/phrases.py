"""What people write on any demo ticket, and where they are."""

from __future__ import annotations

ROOMS = ("the front office", "the back office", "the meeting room", "the workshop", "the reception", "the warehouse")
ACKNOWLEDGED = (
    "Thank you, {first}. I have this and will look at it today.",
    "Hello {first}, I am on it and will come back to you shortly.",
    "Hi {first}, thank you for the details. I will connect to {pc} later today.",
    "Hello {first}, got it. I will have a look and write to you.",
)
THANKS = (
    "Works again, thank you!",
    "Thank you, that was quick.",
    "All good now. Thank you very much.",
    "It works, thanks for staying on the phone.",
)
CHASED = (
    "Any news on this? It is getting in our way.",
    "Hello, I wanted to ask how it looks with this one.",
    "Sorry to ask again, but we could use it this week.",
)
