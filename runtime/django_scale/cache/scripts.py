"""What Redis must do in one step. A value past its soft end counts as absent; its layout is that of codec.py."""

from __future__ import annotations

from django_scale.cache.client import Script

# ARGV[1] is the time now in milliseconds. A soft value has bit 3 of its first byte, and 8 bytes big-endian after it.
_ABSENT = """
local function absent(key, now)
  local head = redis.call('GETRANGE', key, 0, 8)
  if head == '' then return true end
  local flags = string.byte(head, 1)
  if flags < 128 or math.floor(flags / 8) % 2 == 0 then return false end
  local moment = 0
  for i = 2, 9 do moment = moment * 256 + string.byte(head, i) end
  return moment > 0 and moment <= now
end
"""

# ARGV: now, value, milliseconds (0: for ever).
ADD = Script(
    _ABSENT
    + """
if not absent(KEYS[1], tonumber(ARGV[1])) then return 0 end
if ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1
"""
)

# ARGV: now, milliseconds that Redis keeps a plain value and a soft one (0: for ever), the new end as 8 bytes.
TOUCH = Script(
    _ABSENT
    + """
if absent(KEYS[1], tonumber(ARGV[1])) then return 0 end
local flags = string.byte(redis.call('GETRANGE', KEYS[1], 0, 0), 1)
local keep = ARGV[2]
if flags >= 128 then
  redis.call('SETRANGE', KEYS[1], 1, ARGV[4])
  if math.floor(flags / 8) % 2 == 1 then keep = ARGV[3] end
end
if keep == '0' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], keep) end
return 1
"""
)

# ARGV: delta. Nil when the key does not exist; an error when its value is no integer.
INCR = Script(
    """
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
return redis.call('INCRBY', KEYS[1], ARGV[1])
"""
)

# ARGV: the owner. A lock is given back only by its owner.
RELEASE = Script(
    """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
)
