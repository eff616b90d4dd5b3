"""What the demo tickets are about. {first} is who writes, {pc} a computer of theirs, {room} a place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Story:
    """One kind of trouble: how it begins, what the technician does and writes, and what it takes."""

    subject: str
    problem_type: str
    opening: str
    done: str  # the public comment that ends it
    notes: str  # of the timer
    quarters: tuple[int, int]  # quarter hours that it takes, from and to
    kind: str = "remote"
    priority: str = "2 Normal"
    goods: str = ""
    question: str = ""  # asked of the customer, who answers
    reply: str = ""
    inside: str = ""  # a hidden note
    needs: str = ""  # "parts" or "vendor": what it may have to wait for


STORIES = (
    Story(
        "Outlook keeps asking for a password",
        "Email",
        "Since this morning Outlook asks me for my password every few minutes, and it does not take it. Webmail works.",
        "I removed the stale credentials and rebuilt the mail profile on {pc}. Mail has been in sync since.",
        "Cleared stored credentials, rebuilt the Outlook profile, tested send and receive",
        (2, 3),
        question="Did you change your password in the last days, on a phone perhaps?",
        reply="Yes, I changed it on my phone on Friday. I did not think of the computer.",
    ),
    Story(
        "Shared printer in {room} prints blank pages",
        "Printing",
        "The printer in {room} only gives blank pages since yesterday. Copies are fine, so it is not the toner.",
        "The driver had been replaced by a generic one after an update. I put the right one back on the print server.",
        "Replaced generic print driver on the print server, test pages from two computers",
        (2, 3),
    ),
    Story(
        "New starter on Monday: account and laptop",
        "User Account",
        "We have somebody new from Monday. Could you please set up an account, a mailbox and the spare laptop?",
        "Account, mailbox and laptop are ready. The first sign-in will ask for a new password.",
        "Created account and mailbox, prepared the spare laptop, joined it to the domain",
        (4, 6),
        goods="mailbox",
        question="Which folders should the new colleague be able to open, and who signs off on it?",
        reply="The same folders as Paul has, please. I sign off on it.",
    ),
    Story(
        "{pc} is very slow after lunch every day",
        "Hardware",
        "{pc} is fine in the morning and hardly usable after lunch. Restarting helps for ten minutes.",
        "The disk was failing, so I put in a new solid state drive and moved everything over. Starts in 15 seconds now.",
        "Disk reports reallocated sectors; cloned to a new SSD, fitted it, checked the backup",
        (4, 6),
        "onsite",
        goods="ssd",
        inside="SMART shows 212 reallocated sectors. Do not let them wait with this one.",
        needs="parts",
    ),
    Story(
        "Wi-Fi drops in {room}",
        "Network",
        "In {room} the Wi-Fi drops several times an hour. Everywhere else it is fine.",
        "The old access point was dying. A new one is on the ceiling, and I walked the room with a meter: full signal.",
        "Replaced access point, set channels, measured signal in the room",
        (5, 7),
        "onsite",
        goods="access_point",
        needs="parts",
        question="Does it hit phones and laptops alike, and at any time of the day?",
        reply="Phones and laptops, mostly from ten to twelve.",
    ),
    Story(
        "Please reset the password of a colleague",
        "User Account",
        "A colleague came back from leave and is locked out. Please reset the password, I am sitting next to them.",
        "The password is reset and the account unlocked. I stayed on the phone until the sign-in worked.",
        "Verified identity by phone, reset the password, unlocked the account",
        (1, 1),
    ),
    Story(
        "Suspicious mail with an attachment",
        "Security",
        "I opened an attachment of a mail that pretends to be an invoice. It asked for my password. I closed it.",
        "No sign of a breach. I reset your password, ended all sessions, scanned {pc} and took the mail out of all boxes.",
        "Reset password, revoked sessions, full scan, purged the message from all mailboxes",
        (3, 5),
        priority="1 High",
        inside="Sign-in log is clean, no forwarding rules. Sender domain blocked for all customers.",
    ),
    Story(
        "Backup failed three nights in a row",
        "Software",
        "We got the third mail in a row that the backup failed. Is that something you look after?",
        "The backup disk was full. I moved the older sets to the archive and ran a full backup, which went through.",
        "Cleared old backup sets to the archive, ran and verified a full backup",
        (3, 4),
        priority="1 High",
    ),
    Story(
        "Accounting program does not open after the update",
        "Software",
        "After last night's update the accounting program closes right after the start screen, on all our computers.",
        "The vendor's update needed a newer runtime. It is installed on all computers, and the program opens again.",
        "Installed the required runtime on all computers, repaired the program, tested with the user",
        (3, 5),
        priority="1 High",
        needs="vendor",
        question="Could you leave one computer switched on tonight, so that I can try the repair on it first?",
        reply="{pc} stays on tonight, please use that one.",
    ),
    Story(
        "Scanner to e-mail stopped working",
        "Printing",
        "Scanning to e-mail gives an error about authentication since the weekend.",
        "The mail provider switched off the old sign-in. The scanner now uses the relay that we run for this.",
        "Moved scan-to-mail to the authenticated relay, tested three destinations",
        (2, 3),
        question="Does it fail for every address, or only for some?",
        reply="For every one that we tried.",
    ),
    Story(
        "Second monitor for {pc}",
        "Hardware",
        "Could we connect a second monitor to {pc}? We have the monitor, but no plug for it.",
        "The docking station is on the desk, and both monitors run. The laptop charges over the same cable.",
        "Delivered and set up the docking station with two displays",
        (3, 4),
        "onsite",
        "3 Low",
        goods="dock",
        needs="parts",
    ),
    Story(
        "Internet is down at the whole office",
        "Network",
        "Nothing works here, no internet and no phones. We have twelve people waiting. Please call me on the mobile.",
        "The router hung after a power dip. It is back, has current firmware, and now sits on the battery back-up.",
        "Power-cycled and updated the router after an outage, moved it to the UPS",
        (3, 4),
        "onsite",
        "0 Urgent",
    ),
    Story(
        "Calendar of the meeting room is not shared",
        "Email",
        "Nobody but me can see the calendar of the meeting room. It used to work.",
        "The rights on the room calendar are back for everybody. It takes up to an hour to show on phones.",
        "Repaired permissions of the room mailbox, tested with two users",
        (1, 2),
        priority="3 Low",
        question="Who should be able to book the room, and who only to see it?",
        reply="All of us may see it. Only the two of us at the desk book.",
    ),
    Story(
        "Need a folder back that was deleted",
        "Software",
        "Somebody deleted the folder of last year's orders on the shared drive. Can you get it back?",
        "The folder is back as it was on the evening before. I compared the number of files: nothing is missing.",
        "Restored the folder from last night's backup, compared file counts",
        (2, 3),
        priority="1 High",
        question="Do you know about when it was still there?",
        reply="It was there the day before yesterday for sure.",
    ),
    Story(
        "Phone shows no mail since the new phone",
        "Email",
        "I have a new phone, and the mail does not come to it. I have tried it twice.",
        "Mail, calendar and contacts are on the new phone. The old one has been signed out.",
        "Set up mail on the new phone with the user, removed the old device",
        (1, 2),
        question="Is it the same number, and did the shop already copy your data?",
        reply="Same number. They copied the pictures, I think, but not the mail.",
    ),
    Story(
        "UPS in the server closet beeps",
        "Hardware",
        "The box in the server closet beeps every half a minute. It has a red light.",
        "The battery had reached its end. The new one is in, and the self-test passes.",
        "Replaced the UPS battery, ran a self-test and a short load test",
        (2, 3),
        "onsite",
        goods="ups_battery",
        needs="parts",
    ),
    Story(
        "VPN does not connect from home",
        "Network",
        "From home the VPN says that the certificate has expired. I need it tomorrow for the month end.",
        "The certificate is renewed for two years, and the connection from your home works. Thank you for testing with me.",
        "Renewed the VPN certificate, tested the connection with the user",
        (2, 3),
        priority="1 High",
        question="Which network do you use at home, and could you send me a picture of the message?",
        reply="My own Wi-Fi. The picture is in the mail that I have just sent.",
    ),
    Story(
        "Website: change of the opening hours",
        "Other",
        "Please change the opening hours on our website: from next week we close at five on Fridays.",
        "The new hours are on the contact page and in the footer. Please reload the page if you still see the old ones.",
        "Changed the opening hours on the contact page and in the footer",
        (1, 2),
        "website",
        "3 Low",
        question="Do the new hours also hold for the Friday before a holiday?",
        reply="Yes, every Friday.",
    ),
    Story(
        "Website: contact form sends nothing",
        "Software",
        "Customers tell us that the form on the website says thank you, but we do not get any mail.",
        "The form's mails were refused as spam. It now sends through our relay; three test messages arrived.",
        "Moved the contact form to the mail relay, set the sender, tested",
        (3, 4),
        "website",
    ),
    Story(
        "Licence of the endpoint protection expires",
        "Security",
        "We got a warning that the protection on {pc} expires this week.",
        "The licence is renewed for a year, and the computer reports as protected again.",
        "Renewed the endpoint licence, checked the console",
        (1, 1),
        goods="antivirus",
    ),
    Story(
        "Computer does not start: blue screen",
        "Hardware",
        "{pc} shows a blue screen and starts over, again and again. It began after the update last night.",
        "A driver of the update was at fault. I took it back and paused it until the vendor has a new one.",
        "Started from recovery, removed the faulty driver, paused the update",
        (3, 5),
        priority="1 High",
        inside="Same driver on two other customers' machines. Paused the update everywhere.",
    ),
    Story(
        "Move of two desks to {room}",
        "Network",
        "We move two desks to {room} next week. Could you see that network and phones work there?",
        "Both desks are connected. I set a small switch under the left one, because there was one outlet only.",
        "Connected two desks, fitted a switch, labelled the outlets",
        (5, 8),
        "onsite",
        goods="switch",
        needs="parts",
        question="Which day suits you for the move, and from what time is the room free?",
        reply="Thursday would be good, the room is free from nine.",
    ),
    Story(
        "Spam has become much more",
        "Email",
        "For a week we have had far more spam than usual. Some of it looks like mail of our own.",
        "The filter is stricter now, and mail that pretends to be yours is refused. Please tell us if something is missing.",
        "Tightened the filter, published the sender policy, reviewed the quarantine",
        (2, 4),
        question="Could you forward me three of these messages as attachments?",
        reply="Here are five of them, from this morning alone.",
    ),
    Story(
        "Server update at the end of the month",
        "Software",
        "You wrote that the server needs its updates. Nobody needs it on Tuesdays and Wednesdays, so please go ahead.",
        "All updates are in, the server was restarted twice, and the services were checked one by one.",
        "Installed server updates in the maintenance window, checked services and backup",
        (4, 6),
        "project",
    ),
    Story(
        "Keyboard is broken, coffee",
        "Hardware",
        "I am afraid that I spilled coffee over my keyboard. Some keys stick.",
        "A new keyboard and mouse are on your desk. The old ones went with me.",
        "Brought a new keyboard and mouse",
        (1, 1),
        "onsite",
        "3 Low",
        goods="keyboard",
    ),
    Story(
        "Cannot open PDF files from the portal",
        "Software",
        "PDF files from the portal open as an empty page on {pc}. On the other computers they open.",
        "The browser had an old viewer as its default. I removed it; files from the portal open again.",
        "Removed the old PDF viewer, reset file associations",
        (1, 2),
    ),
    Story(
        "Please remove the access of a former colleague",
        "User Account",
        "A colleague left us on Friday. Please close the account, and let the mail come to me.",
        "The account is closed, all sessions are ended, and the mailbox is shared with you for 90 days.",
        "Disabled the account, revoked sessions, shared the mailbox, reclaimed the licence",
        (2, 3),
        priority="1 High",
        question="Should we keep the mailbox, and for how long?",
        reply="Keep it for three months, please.",
    ),
    Story(
        "Toner for the printer in {room}",
        "Printing",
        "The printer in {room} says that it needs toner soon. Could you bring one the next time you are here?",
        "The new cartridge is in, and a spare one is in the cupboard.",
        "Delivered and fitted toner",
        (1, 1),
        "onsite",
        "3 Low",
        goods="toner",
        needs="parts",
    ),
    Story(
        "Time clock does not sync with the server",
        "Software",
        "The time clock has not sent its entries to the server since the power cut.",
        "The clock had lost its address. It has a fixed one now, and the entries of the last days have come in.",
        "Gave the time clock a fixed address, restarted the service, checked the import",
        (2, 4),
        needs="vendor",
    ),
    Story(
        "Two-step sign-in for everybody",
        "Security",
        "Our insurance wants us to have two-step sign-in for all accounts. Can you plan that with us?",
        "Two-step sign-in is on for all accounts. Everybody has been through it with me, and has the recovery codes.",
        "Rolled out two-step sign-in, helped every user to enrol, documented the recovery codes",
        (8, 12),
        "project",
        question="Is there a day on which all of you are at the office?",
        reply="Tuesdays are best, before ten.",
    ),
)

EMERGENCIES = (
    Story(
        "Server room is hot and the server went off",
        "Hardware",
        "The cooling has failed, and the server has switched itself off. We ship at six in the morning. Please call!",
        "The server is up again with a fan in front of it. The cooling company comes tomorrow.",
        "After-hours call: restarted the server, checked disks and databases, set up temporary cooling",
        (4, 7),
        "emergency",
        "0 Urgent",
    ),
    Story(
        "Nobody can sign in, and we open at seven",
        "Network",
        "Nobody can sign in at any computer. It says that the domain is not available. We open at seven.",
        "The domain controller had lost its disk space. I made room, and sign-in works everywhere.",
        "After-hours call: freed disk space on the domain controller, checked replication and sign-in",
        (4, 6),
        "emergency",
        "0 Urgent",
    ),
    Story(
        "Files have strange names, possibly ransomware",
        "Security",
        "All files on one computer have strange names since tonight. I have pulled the network cable.",
        "It was one computer only, and you did the right thing. It is set up anew, the files come from the backup.",
        "After-hours call: isolated the computer, checked the others, restored the files from backup",
        (6, 10),
        "emergency",
        "0 Urgent",
    ),
)

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

# The ticket with which everybody begins.
SHOWCASE_SUBJECT = "Shop floor computer loses the mapped drive"
SHOWCASE_OPENING = (
    "Since the weekend the computer at the big lathe loses drive S: two or three times a day. The drawings are on that "
    "drive, so the machine stands still until somebody signs out and in again. The other computers are fine."
)
SHOWCASE_ANSWER = (
    "Hello {first}, thank you for the details. I have set up a log on the computer, to see what happens when the drive "
    "goes away. I will connect once it has caught a few of them, at a time when the lathe is idle."
)
SHOWCASE_INSIDE = (
    "Power saving was on for the network card (driver of 2019). Switched off; drive S: is now mapped by policy and no "
    "longer by script. If it comes back: replace the patch cable, it runs along the power line of the lathe."
)
SHOWCASE_DONE = (
    "Hello {first}, the log showed that the computer puts its network card to sleep. I have switched that off, and "
    "drive S: is now connected in a more robust way. Could you keep an eye on it for a day?"
)
SHOWCASE_REPLY = "It held through the whole early shift today. We will tell you if it drops again."

# The ticket with two timers on it that wait to be charged.
TWO_VISITS_SUBJECT = "Orders mailbox shows messages twice"
TWO_VISITS_OPENING = (
    "Every message in the orders mailbox shows up twice since yesterday, and answers that we send are in there twice too. "
    "We nearly shipped one order two times. Could you look at it before the next batch goes out?"
)
TWO_VISITS_ANSWER = "Hello {first}, I connect to {pc} in a few minutes. Please do not delete anything until then."
TWO_VISITS_DONE = (
    "Hello {first}, the doubles are gone as far as I can see. Please have an eye on it with the next orders."
)
TWO_VISITS_AGAIN = "It was fine until last night, but this morning there are two of everything again."
TWO_VISITS_NOTES = (
    "Found a second rule that copies into the mailbox, removed it, merged the duplicates",
    "A phone put the old rule back; removed the account from it, cleaned up, watched three orders come in",
)
