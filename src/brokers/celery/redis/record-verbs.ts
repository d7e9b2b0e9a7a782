/** The verbs of {@link RedisResults}, for the script: of jobs whose messages travel through another server. */
export const recordVerbs: string = `
-- (id, record, delay or '', expiry or '', how long it is kept, '1' if it is sent now) ...: answers for each whether it was sent before.
function verbs.note()
  local at = now()
  local known = {}
  for arg = 2, #ARGV, 6 do
    local id, delayMs, expiresMs, isSent = ARGV[arg], ARGV[arg + 2], ARGV[arg + 3], ARGV[arg + 5] == '1'
    local key = recordOf(id)
    if redis.call('HSETNX', key, 'job', ARGV[arg + 1]) == 1 then
      local isDelayed = delayMs ~= ''
      redis.call('HSET', key, 'state', (isSent and not isDelayed) and 'queued' or 'scheduled', 'storedAt', at)
      if isSent then redis.call('HSET', key, 'runAt', at + (isDelayed and tonumber(delayMs) or 0)) end
      if expiresMs ~= '' then redis.call('HSET', key, 'expiresAt', at + tonumber(expiresMs)) end
      keep(id, ARGV[arg + 4])
    end
    known[#known + 1] = redis.call('HGET', key, 'sent') or ''
  end
  return known
end

-- ids ...: their messages are where they were sent.
function verbs.sent()
  for arg = 2, #ARGV do
    if redis.call('EXISTS', recordOf(ARGV[arg])) == 1 then redis.call('HSET', recordOf(ARGV[arg]), 'sent', '1') end
    tell(ARGV[arg])
  end
  return 1
end

-- ids ...: their messages were not sent.
function verbs.drop()
  for arg = 2, #ARGV do
    local key = recordOf(ARGV[arg])
    if not redis.call('HGET', key, 'sent') and not redis.call('HGET', key, 'epoch') then redis.call('DEL', key) end
  end
  return 1
end

-- (id, result) ...: of messages that cannot be read. A good one with the same id still runs, unless the job is one of ours.
function verbs.refuse()
  for arg = 2, #ARGV, 2 do
    storeOther(ARGV[arg], ARGV[arg + 1], 86400000)
    tell(ARGV[arg])
  end
  return 1
end

-- worker, how often a job is handed out, (id, retries, '1' if a result is wanted, which sending) ...: epoch, deliveries
-- and the reason of a revocation of each; nothing of one that has ended, or runs because it was sent twice.
function verbs.begin()
  local worker, maxDeliveries, at = ARGV[2], tonumber(ARGV[3]), now()
  local begun = {}
  for arg = 4, #ARGV, 4 do
    local id, sending = ARGV[arg], ARGV[arg + 3]
    local known = redis.call('HMGET', recordOf(id), 'ended', 'state', 'sending', 'retries', 'endedAt')
    local isCopy = known[2] == 'running' and known[3] ~= sending and known[4] == ARGV[arg + 1]
    if known[1] or isCopy then
      begun[#begun + 1] = {}
    else
      redis.call('HSET', recordOf(id), 'sending', sending)
      -- What waited for another is sent before that one's end is noted down.
      redis.call('HSETNX', recordOf(id), 'runAt', at)
      local epoch, deliveries = count(id, ARGV[arg + 1], worker, at, maxDeliveries)
      if known[5] then
        -- It was canceled while it waited, and is only handed out to be done with.
        redis.call('HSET', recordOf(id), 'state', known[2])
        redis.call('HDEL', recordOf(id), 'startedAt')
      elseif ARGV[arg + 2] == '1' then
        storeStarted(id)
      end
      begun[#begun + 1] = { epoch, deliveries, redis.call('GET', 'afterword-revoked-' .. id) }
    end
  end
  return begun
end
`;
