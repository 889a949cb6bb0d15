"""When may a request leave? Pure arithmetic of numbers and instants.

`window` keeps a rolling limit exactly, `adaptive` follows the limits in HubSpot's
answers and backs off for other apps, `daily` keeps some of the account's daily calls in
reserve, and `plan` forecasts a batch. Nothing here reads a clock, a header or a socket:
`_net.gate` calls these modules and applies their results.
"""
