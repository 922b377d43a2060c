"""Others, on the same work: a job for each message, sent by the stock client, its outcome kept.

Each reads no database for what it sends, checks no consent and marks nothing before it sends: less
than our worker does, and so in their favour.
"""
