/** The verbs for what waits and what is known: revocations, what is delayed, records and results. For the script. */
export const askingVerbs: string = `
local finals = { succeeded = true, failed = true, canceled = true, expired = true }

-- A job that waits ends at once; one that runs is asked to, unless it is to be spared.
local function revoke(id, reason, result, isForRunning)
  local key = recordOf(id)
  local state, endedAt = unpack(redis.call('HMGET', key, 'state', 'endedAt'))
  local answer
  if not state then
    answer = redis.call('EXISTS', resultOf(id)) == 1 and 'requested' or 'unknown'
  elseif finals[state] or endedAt then
    answer = 'ended'
  elseif state == 'running' then
    if isForRunning then redis.call('HSET', key, 'reason', reason) end
    answer = 'requested'
  else
    redis.call('HSET', key, 'state', 'canceled', 'endedAt', now(), 'reason', reason)
    storeResult(id, result, 86400000)
    answer = 'canceled'
  end
  local noted = isForRunning and reason or '\\0' .. reason
  if answer ~= 'ended' then redis.call('SETEX', 'afterword-revoked-' .. id, 86400, noted) end
  tell(id)
  return answer
end

-- reason, (id, result) ...: answers for each what became of it.
function verbs.revoke()
  local answers = {}
  for arg = 3, #ARGV, 2 do
    answers[#answers + 1] = revoke(ARGV[arg], ARGV[2], ARGV[arg + 1], true)
  end
  return answers
end

-- reason, '1' if also those that run, (id, result) ...: what others have revoked. What is known stays, unless this says more.
function verbs.noteRevoked()
  for arg = 4, #ARGV, 2 do
    local known = redis.call('GET', 'afterword-revoked-' .. ARGV[arg])
    if not known or (ARGV[3] == '1' and string.byte(known) == 0) then
      revoke(ARGV[arg], ARGV[2], ARGV[arg + 1], ARGV[3] == '1')
    end
  end
  return 1
end

-- how many of each, queues ...: what waits for its time
function verbs.delayed()
  local found = {}
  for queue = 3, #ARGV do
    for _, text in ipairs(redis.call('ZRANGE', delayedOf(ARGV[queue]), 0, ARGV[2] - 1)) do found[#found + 1] = text end
  end
  return found
end

-- ids ...: result, record, failures and log of each.
function verbs.get()
  local found = {}
  for arg = 2, #ARGV do
    local id = ARGV[arg]
    found[#found + 1] = {
      redis.call('GET', resultOf(id)),
      redis.call('HGETALL', recordOf(id)),
      redis.call('LRANGE', failuresOf(id), 0, -1),
      redis.call('LRANGE', logOf(id), 0, -1),
      now(),
    }
  end
  return found
end
`;
