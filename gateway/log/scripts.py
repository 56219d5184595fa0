"""What Redis does in one step: scripts in Lua, each the whole of one change of what is stored.

``KEYS`` are always meta, state, tombstones, log, signals. A write that needs memory comes first in each, so that a
Redis without any refuses the whole. Offsets and numbers of signals are counted here, not taken from a clock. An epoch
is bound to the ``run_id`` of the server that it began on: another one, or the same one restarted, may have lost what
was acknowledged.
"""

_SIGNAL = """
local function signal(kind, body)
  local number = redis.call('HINCRBY', KEYS[1], 'signal', 1)
  local put = redis.pcall('XADD', KEYS[5], 'MAXLEN', '~', '512', number .. '-0', 'k', kind, 'b', body)
  if type(put) == 'table' and put.err then
    if string.find(put.err, 'OOM') then error(put.err) end
    redis.call('DEL', KEYS[5])
    redis.call('XADD', KEYS[5], number .. '-0', 'k', kind, 'b', body)
  end
end
local function run_id()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
end
"""

TAKE = (
    _SIGNAL
    + """
-- holder and beats as they were seen, and the name of whoever wants the lease
local now = redis.call('HMGET', KEYS[1], 'holder', 'beats')
if (now[1] or '') ~= ARGV[1] or (now[2] or '0') ~= ARGV[2] then
  return {'refused', now[1] or '', now[2] or '0'}
end
local mine = redis.call('HINCRBY', KEYS[1], 'token', 1) .. ':' .. ARGV[3]
redis.call('HSET', KEYS[1], 'holder', mine)
local beats = redis.call('HINCRBY', KEYS[1], 'beats', 1)
signal('claim', mine .. ' ' .. beats)
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'top')
local whole = meta[1] and meta[2] == run_id()
return {'taken', mine, tostring(beats), whole and meta[1] or '', meta[3] or '0'}
"""
)

BEAT = (
    _SIGNAL
    + """
-- holder, the epoch that it believes in (empty: none yet), and what is to be said of upstream
local now = redis.call('HMGET', KEYS[1], 'holder', 'beats', 'epoch', 'run')
if now[1] ~= ARGV[1] then return {'refused', now[1] or '', now[2] or '0'} end
if ARGV[2] ~= '' and (now[3] ~= ARGV[2] or now[4] ~= run_id()) then return {'broken'} end
local beats = redis.call('HINCRBY', KEYS[1], 'beats', 1)
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'life', ARGV[3], 'life_at', time[1] .. '.' .. string.format('%06d', time[2]))
signal('life', ARGV[1] .. ' ' .. beats .. ' ' .. ARGV[3])
return {'beaten', now[1], tostring(beats)}
"""
)

RELEASE = (
    _SIGNAL
    + """
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'holder', '')
signal('claim', ' ' .. (redis.call('HGET', KEYS[1], 'beats') or '0'))
return 1
"""
)

TELL = (
    _SIGNAL
    + """
signal(ARGV[1], ARGV[2])
return 1
"""
)

APPEND = """
-- holder, epoch, top, batch, the oldest offset to keep, number of entries, then five parts each, then renewals: key,
-- application, and 1 where replicas are told
local meta = redis.call('HMGET', KEYS[1], 'holder', 'epoch', 'run', 'top', 'batch', 'base')
if meta[1] ~= ARGV[1] then return {'fenced', meta[1] or ''} end
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if meta[2] ~= ARGV[2] or meta[3] ~= run then return {'epoch'} end
if meta[5] == ARGV[4] then return {'appended', meta[4]} end
if meta[4] ~= ARGV[3] then return {'epoch'} end
local top = tonumber(meta[4])
if top > tonumber(meta[6]) then
  local last = redis.call('XREVRANGE', KEYS[4], '+', '-', 'COUNT', 1)
  if #last == 0 or tonumber(string.match(last[1][1], '^%d+')) ~= top then return {'epoch'} end
end
local at = 7
for _ = 1, tonumber(ARGV[6]) do
  local key, after, grave = ARGV[at], ARGV[at + 2], ARGV[at + 3]
  top = top + 1
  redis.call('XADD', KEYS[4], top .. '-0', 'k', key, 'b', ARGV[at + 1], 'a', after, 'g', grave, 't', ARGV[at + 4],
    'n', ARGV[2])
  if after == '' then redis.call('HDEL', KEYS[2], key) else redis.call('HSET', KEYS[2], key, after) end
  if grave == '' then redis.call('HDEL', KEYS[3], key) else redis.call('HSET', KEYS[3], key, grave) end
  at = at + 5
end
while at < #ARGV do
  if redis.call('HEXISTS', KEYS[2], ARGV[at]) == 1 then
    redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
    if ARGV[at + 2] == '1' and top > 0 then
      local number = redis.call('HINCRBY', KEYS[1], 'renewals', 1)
      redis.call('XADD', KEYS[4], top .. '-' .. number, 'a', ARGV[at + 1], 'n', ARGV[2])
    end
  end
  at = at + 3
end
redis.call('HSET', KEYS[1], 'top', top, 'batch', ARGV[4])
if tonumber(ARGV[5]) > 0 then redis.call('XTRIM', KEYS[4], 'MINID', '~', ARGV[5]) end
return {'appended', tostring(top)}
"""

BEGIN = (
    _SIGNAL
    + """
-- holder, the new epoch, its first offset, the moment, the number of applications, then key and application each; then
-- key and tombstone each
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return {'fenced'} end
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'run', run_id(), 'base', ARGV[3], 'top', ARGV[3], 'begun_at', ARGV[4],
  'batch', '')
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
local graves = 6 + 2 * tonumber(ARGV[5])
for at = 6, graves - 1, 2 do redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1]) end
for at = graves, #ARGV, 2 do redis.call('HSET', KEYS[3], ARGV[at], ARGV[at + 1]) end
signal('epoch', ARGV[2])
return {'begun', ARGV[2]}
"""
)
