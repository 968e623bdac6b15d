"""What the status channel does in Redis, each in one script: others see all of it or nothing.

Keys are those of the tenant's documents, its log, and its held runs; arguments are the integration, what to
store, the length of the log, and the largest `seq`.
"""

# A run that has its outcome is not reopened by a late progress report of the same run. The new `seq` is
# put in front of the document's text, which stays as the reporter wrote it: encoding it anew would change
# its numbers. What is there and is no status of ours is written over.
_COMMON = """
for key, type in pairs({[KEYS[1]] = 'hash', [KEYS[2]] = 'stream', [KEYS[3]] = 'hash'}) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= type and found ~= 'none' then
    redis.call('DEL', key)
  end
end
local function publish(previous, document, held)
  local now = redis.call('TIME')
  local seq = math.max(previous + 1, tonumber(now[1]) * 1000000 + tonumber(now[2]))
  local fields = string.sub(document, 2, -2)
  local text = string.format('{"seq":%.0f,%s,"held_runs":%s}', seq, fields, held)
  redis.call('HSET', KEYS[1], ARGV[1], text)
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'document', text)
  redis.call('PUBLISH', KEYS[1], text)
  return seq
end
local known = redis.call('HGET', KEYS[1], ARGV[1])
"""

REPORT = (
    _COMMON
    + """
local document = cjson.decode(ARGV[2])
local previous = 0
local readable, old = pcall(cjson.decode, known or '')
local seq_of_old = readable and type(old) == 'table' and tonumber(old.seq)
if seq_of_old and seq_of_old >= 0 and seq_of_old < tonumber(ARGV[4]) then
  previous = seq_of_old
  local ended = old.run_id == document.run_id and type(old.outcome) == 'string'
  if ended and type(document.outcome) ~= 'string' then
    return previous
  end
end
local held = redis.call('HGET', KEYS[3], ARGV[1]) or '[]'
local listed, holds = pcall(cjson.decode, held)
if not listed or type(holds) ~= 'table' or string.sub(held, 1, 1) ~= '[' then
  held = '[]'
end
return publish(previous, ARGV[2], held)
"""
)

# The integration's status is told again with what is held now. Everything else of its text stays as it is:
# the held runs are the last field, and no text inside can look like its name, for quotes in it are escaped.
# Without a status there is nothing to tell: the next report takes along what is held.
SHOW_HOLDS = (
    _COMMON
    + """
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
local readable, old = pcall(cjson.decode, known or '')
local seq = readable and type(old) == 'table' and tonumber(old.seq)
if not seq or seq < 0 or seq >= tonumber(ARGV[4]) then
  return 0
end
local from = string.find(known, ',"held_runs":', 1, true) or string.len(known)
if string.sub(known, from) == ',"held_runs":' .. ARGV[2] .. '}' then
  return seq
end
local _, prefix = string.find(known, '^{"seq":%d+,')
if not prefix then
  return 0
end
return publish(seq, '{' .. string.sub(known, prefix + 1, from - 1) .. '}', ARGV[2])
"""
)
