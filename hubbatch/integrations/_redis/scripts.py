"""The Lua scripts that Redis runs: the arithmetic of the shared window.

A window has two keys: `state` (a hash) and `log` (a list of the granted instants,
newest first, in the order in which they were granted). All times are microseconds of
Redis's clock; if that clock is set back, time continues from where it was. The keys
expire when they are no longer needed.

Arguments of both scripts: the window, and 1 if the caller was granted a request within
the last window, else 0. If it was granted one and the keys do not exist, the log has
been lost and is incomplete for one window.
"""

_STATE = """
local state, log = KEYS[1], KEYS[2]
local function text(number) return string.format('%.0f', number) end
local known = redis.call('HMGET', state, 'now', 'ahead', 'held', 'doubted')
local fresh = not known[1]
local last, ahead = tonumber(known[1] or 0), tonumber(known[2] or 0)
local held, doubted = tonumber(known[3] or 0), tonumber(known[4] or 0)
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2] + ahead
if now < last then
  ahead = ahead + last - now
  now = last
end
local window = tonumber(ARGV[1])
if fresh and ARGV[2] == '1' then doubted = now + window end
local function entry(index) return tonumber(redis.call('LINDEX', log, index) or 0) end
local function remember()
  redis.call('HSET', state, 'now', text(now), 'ahead', text(ahead),
    'held', text(held), 'doubted', text(doubted))
  local needed = math.max(now, held, entry(0)) + window
  local life = text(math.ceil((needed - now) / 1000) + 1000)
  redis.call('PEXPIRE', state, life)
  redis.call('PEXPIRE', log, life)
end
"""

# Further arguments: the limit; the burst; the longest wait (-1: any); how long the log
# will lack requests that the caller has sent; and any number of instants granted to the
# caller whose requests left later than that, which are logged again as of now. Returns
# whether an instant was reserved, how long to wait for it, the instant, and how long
# the log will be incomplete.
RESERVE = (
    _STATE
    + """
local limit, burst = tonumber(ARGV[3]), tonumber(ARGV[4])
local patience, unlogged = tonumber(ARGV[5]), tonumber(ARGV[6])
doubted = math.max(doubted, now + unlogged)
for index = 7, #ARGV do
  if redis.call('LREM', log, 1, ARGV[index]) == 1 then
    redis.call('LPUSH', log, text(math.max(now, entry(0))))
  end
end
local newest, oldest, used = entry(0), entry(-1), redis.call('LLEN', log)
local at = math.max(now, held, newest)
while used > 0 and oldest + window <= at do
  redis.call('RPOP', log)
  used, oldest = used - 1, entry(-1)
end
if used >= limit then
  at = math.max(at, entry(limit - 1) + window)
elseif used >= burst then -- spread what is free until the oldest is free again
  at = math.max(at, math.ceil(newest + (oldest + window - newest) / (limit - used + 1)))
end
local granted = patience < 0 or at - now <= patience
if granted then redis.call('LPUSH', log, text(at)) end
remember()
return {granted and 1 or 0, at - now, at, doubted - now}
"""
)

# Further argument: how long to hold all requests. A hold is never shortened.
HOLD = (
    _STATE
    + """
held = math.max(held, now + tonumber(ARGV[3]))
remember()
"""
)
