/** The verbs for what workers have: how it ends, what it says of itself, and that it is theirs still. For the script. */
export const endingVerbs: string = `
local function storeResult(id, text, ms)
  local known = redis.call('GET', resultOf(id))
  if known and isSuccess(known) then return end
  redis.call('SET', resultOf(id), text, 'PX', ms)
  redis.call('PUBLISH', resultOf(id), text)
end

-- A job that ends because of another.
local function storeOther(id, text, ms)
  storeResult(id, text, ms)
  if redis.call('HEXISTS', recordOf(id), 'job') == 1 and not redis.call('HGET', recordOf(id), 'endedAt') then
    redis.call('HSET', recordOf(id), 'state', 'failed', 'endedAt', now(), 'ended', '1')
  end
end

-- worker, tag, id, epoch, progress or '', result or '', lines ...
function verbs.report()
  local worker, tag, id, epoch, progress, result = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
  if not owns(tag, worker, id, epoch) then return 0 end
  if progress ~= '' then redis.call('HSET', recordOf(id), 'progress', progress, 'progressAt', now()) end
  if result ~= '' then storeResult(id, result, 86400000) end
  for arg = 8, #ARGV do
    redis.call('RPUSH', logOf(id), string.format('%d', now()) .. ' ' .. ARGV[arg])
    redis.call('LTRIM', logOf(id), -100, -1)
  end
  keep(id, redis.call('PTTL', recordOf(id)))
  tell(id)
  return 1
end

-- Notes down the end of a chord's part, once for each part, and tells whether the body's turn has come.
local function addMember(group, place, id, member, isFailed, seconds)
  local key = 'celery-taskset-meta-' .. group
  for _, known in ipairs(redis.call('ZRANGE', key .. '.j', 0, -1)) do
    local isRead, part = pcall(cjson.decode, known)
    if isRead and type(part) == 'table' and part[2] == id then redis.call('ZREM', key .. '.j', known) end
  end
  redis.call('ZADD', key .. '.j', place, member)
  local size = tonumber(redis.call('GET', key .. '.s') or '')
  local added = tonumber(redis.call('GET', key .. '.t') or '0')
  for _, ending in ipairs({ '.j', '.s', '.t' }) do redis.call('EXPIRE', key .. ending, seconds) end
  -- One that has failed decides it.
  if isFailed ~= '1' and (not size or redis.call('ZCARD', key .. '.j') < size + added) then return nil end
  if redis.call('EXISTS', key .. '.fired') == 1 then return nil end
  return redis.call('ZRANGE', key .. '.j', 0, -1)
end

-- worker, tag, id, epoch, state, how long all is kept or '' if it goes on, when it runs again or '', reason or '',
-- failure or '', text of the result or '', how long ago it ended, number of results, (id, text) ..., group or '', place, member, '1' if that has failed,
-- (id, list, text) ...; of a job that goes on later, (id, queue, text).
-- Answers 0 if it is somebody else's, 1 when it is done, and with the members of a chord whose body's turn it is: then it is not.
function verbs.finish()
  local worker, tag, id, epoch, state, keepMs = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
  local runInMs, reason, failure, resultText, endedAgoMs, results = ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12], tonumber(ARGV[13])
  local counted = owns(tag, worker, id, epoch)
  if not counted then return 0 end
  local isFinal = keepMs ~= ''
  local resultMs = isFinal and span(keepMs) or 86400000
  local arg = 14
  local group = ARGV[arg + results * 2]
  if group ~= '' then
    local place, member, isFailed = ARGV[arg + results * 2 + 1], ARGV[arg + results * 2 + 2], ARGV[arg + results * 2 + 3]
    local members = addMember(group, place, id, member, isFailed, 86400)
    if members then return members end
  end
  local key, at = recordOf(id), now()
  for result = 1, results do
    if ARGV[arg] == id then storeResult(id, ARGV[arg + 1], resultMs) else storeOther(ARGV[arg], ARGV[arg + 1], resultMs) end
    arg = arg + 2
  end
  if failure ~= '' then
    redis.call('RPUSH', failuresOf(id), string.format('%d', at) .. ' ' .. failure)
    redis.call('LTRIM', failuresOf(id), -20, -1)
  end
  redis.call('HSET', key, 'state', state)
  if reason ~= '' then redis.call('HSET', key, 'reason', reason) end
  if resultText ~= '' then redis.call('HSET', key, 'result', resultText) end
  if isFinal then
    redis.call('HSET', key, 'endedAt', at - endedAgoMs, 'ended', '1')
    keep(id, keepMs)
  else
    redis.call('HSET', key, 'runAt', at + tonumber(runInMs))
  end
  for sent = arg + 4, #ARGV, 3 do
    if isFinal then
      send(ARGV[sent], ARGV[sent + 1], ARGV[sent + 2])
    elseif ARGV[sent + 2] == '' then
      -- It travels elsewhere.
    elseif tonumber(runInMs) > 0 then
      redis.call('ZADD', delayedOf(ARGV[sent + 1]), at + tonumber(runInMs), ARGV[sent + 2])
    else
      redis.call('LPUSH', ARGV[sent + 1], ARGV[sent + 2])
    end
    tell(ARGV[sent])
  end
  -- What was none of its own deliveries is none: it was refused.
  if counted ~= id then redis.call('HINCRBY', recordOf(counted), 'deliveries', -1) end
  forget(tag)
  tell(id)
  return 1
end

-- group, number of results, (id, text) ..., (id, list, text) ...: what follows from a chord, once.
function verbs.fire()
  local group, results = ARGV[2], tonumber(ARGV[3])
  local key = 'celery-taskset-meta-' .. group
  if redis.call('SET', key .. '.fired', '1', 'NX', 'EX', 86400) then
    local arg = 4
    for _ = 1, results do
      storeOther(ARGV[arg], ARGV[arg + 1], 86400000)
      tell(ARGV[arg])
      arg = arg + 2
    end
    for sent = arg, #ARGV, 3 do
      send(ARGV[sent], ARGV[sent + 1], ARGV[sent + 2])
      tell(ARGV[sent])
    end
    -- Parts that still run when one has failed are counted to the end, by whoever runs them.
    if results == 0 then redis.call('DEL', key .. '.j', key .. '.s', key .. '.t') end
  end
  return 1
end

-- worker, lease, (tag, id, epoch) ...: a sign of life. Celery's index is renewed too, so that nobody else takes them back.
function verbs.extend()
  local worker, leaseMs, at = ARGV[2], tonumber(ARGV[3]), now()
  local lost, revoked = {}, {}
  for hold = 4, #ARGV, 3 do
    local tag, id = ARGV[hold], ARGV[hold + 1]
    if owns(tag, worker, id, ARGV[hold + 2]) then
      redis.call('ZADD', index, 'XX', at / 1000, tag)
      redis.call('ZADD', leases, 'XX', at + leaseMs, tag)
      local reason = redis.call('GET', 'afterword-revoked-' .. id)
      if reason then revoked[#revoked + 1] = { id, reason } end
    else
      lost[#lost + 1] = id
    end
  end
  return { lost, revoked }
end

-- What a worker has by the record: tag, id, epoch.
function verbs.holds()
  local found = {}
  local all = redis.call('HGETALL', holds)
  for at = 1, #all, 2 do
    local hold = cjson.decode(all[at + 1])
    if hold[1] == ARGV[2] then found[#found + 1] = { all[at], hold[2], hold[3] } end
  end
  return found
end
`;
