"""When may a request leave? Pure arithmetic of numbers and instants.

`window` keeps a rolling limit exactly, `adaptive` follows what HubSpot's answers report
and backs off for other apps, `daily` keeps some of the account's daily calls in
reserve, and `plan` forecasts a batch. Nothing here reads a clock, sends a request or
knows a header: `_net.gate` asks these modules and applies what they return.
"""
