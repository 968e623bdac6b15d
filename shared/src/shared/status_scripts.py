"""What the status channel does in Redis, each in one script: others see all of it or nothing.

Keys are those of the tenant's documents, its log, its held runs, and its mapping counts; arguments are the
integration, what to store, the length of the log, and the largest `seq`.
"""

# A run that has its outcome is not reopened by a late progress report of the same run. The new `seq` is
# put in front of the document's text, which stays as the reporter wrote it: encoding it anew would change
# its numbers. What is there and is no status of ours is written over.
_COMMON = """
for key, type in pairs({[KEYS[1]] = 'hash', [KEYS[2]] = 'stream', [KEYS[3]] = 'hash', [KEYS[4]] = 'hash'}) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= type and found ~= 'none' then
    redis.call('DEL', key)
  end
end
local function stored(key, opening, nothing)
  local text = redis.call('HGET', key, ARGV[1]) or nothing
  local readable, value = pcall(cjson.decode, text)
  if not readable or type(value) ~= 'table' or string.sub(text, 1, 1) ~= opening then
    return nothing
  end
  return text
end
local function beside()
  local held, mapping = stored(KEYS[3], '[', '[]'), stored(KEYS[4], '{', 'null')
  return string.format(',"mapping":%s,"held_runs":%s}', mapping, held)
end
local function publish(previous, document)
  local now = redis.call('TIME')
  local seq = math.max(previous + 1, tonumber(now[1]) * 1000000 + tonumber(now[2]))
  local fields = string.sub(document, 2, -2)
  local text = string.format('{"seq":%.0f,%s%s', seq, fields, beside())
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
return publish(previous, ARGV[2])
"""
)

# The integration's status is told again with what is stored beside it now: its held runs (the key 3) or its
# mapping counts (4). Everything else of its text stays as it is: both are its last fields, and no text inside
# can look like their names, for quotes in it are escaped. Without a status there is nothing to tell: the next
# report takes along what is stored.
SHOW_BESIDE = (
    _COMMON
    + """
redis.call('HSET', KEYS[tonumber(ARGV[5])], ARGV[1], ARGV[2])
local readable, old = pcall(cjson.decode, known or '')
local seq = readable and type(old) == 'table' and tonumber(old.seq)
if not seq or seq < 0 or seq >= tonumber(ARGV[4]) then
  return 0
end
local now_beside = beside()
if string.sub(known, -string.len(now_beside)) == now_beside then
  return seq
end
local from = string.find(known, ',"mapping":', 1, true) or string.find(known, ',"held_runs":', 1, true)
from = from or string.len(known)
local _, prefix = string.find(known, '^{"seq":%d+,')
if not prefix then
  return 0
end
return publish(seq, '{' .. string.sub(known, prefix + 1, from - 1) .. '}')
"""
)
