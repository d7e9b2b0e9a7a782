/** The verbs with which workers take messages, take back those of dead workers, and give back their own. For the script. */
export const takingVerbs: string = `
-- Python writes halves of surrogate pairs, which cjson takes for no JSON: what is looked at here does without them.
local function decode(text)
  local isRead, message = pcall(cjson.decode, text)
  if isRead then return true, message end
  local plain = string.gsub(text, '\\\\\\\\', '??')
  local halves
  plain, halves = string.gsub(plain, '\\\\u[dD][89a-fA-F]%x%x', '?')
  if halves == 0 then return false end
  return pcall(cjson.decode, plain)
end

-- Until when a worker of ours has a message of the job, if one that is alive does.
local function heldUntil(id, tag, at)
  local hold = tag and redis.call('HGET', holds, tag)
  if not hold or cjson.decode(hold)[2] ~= id then return nil end
  local lease = tonumber(redis.call('ZSCORE', leases, tag) or 0)
  return lease > at and lease or nil
end

local function isSuccess(text)
  local isRead, result = pcall(cjson.decode, text)
  return isRead and type(result) == 'table' and result.status == 'SUCCESS'
end

-- Whoever waits for it sees that it runs. A success stays (celery/backends/base.py).
local function storeStarted(id)
  local known = redis.call('GET', resultOf(id))
  if known and isSuccess(known) then return end
  local started = '{"status": "STARTED", "result": null, "traceback": null, "children": [], "date_done": null, "task_id": '
  redis.call('SETEX', resultOf(id), 86400, started .. cjson.encode(id) .. '}')
end

-- The message as a worker gets it; or nothing, and why, if that must be told.
local function take(queue, text, worker, at, leaseMs, maxDeliveries)
  if #text > maxBytes then return nil, 'it has ' .. #text .. ' bytes, and at most ' .. maxBytes .. ' are read' end
  local isRead, message = decode(text)
  if not isRead or type(message) ~= 'table' or type(message.properties) ~= 'table' then
    return nil, 'the envelope is no JSON object with properties'
  end
  local tag = message.properties.delivery_tag
  local info = message.properties.delivery_info
  -- An empty one stands for messages of other servers.
  if type(tag) ~= 'string' or tag == '' then return nil, 'it has no delivery_tag' end
  if type(info) ~= 'table' then info = {} end
  local headers = type(message.headers) == 'table' and message.headers or {}
  local hasId = type(headers.id) == 'string' and headers.id ~= ''
  local id = hasId and headers.id or tag
  -- Ours say when they are due in a number; others say it in words, which the worker reads.
  local due = headers.afterword_eta
  if type(due) == 'number' and due > at then
    delayUntil(queue, id, text, due)
    return nil
  end
  -- A copy of what has ended: whoever sent or restored it did not know. A copy of what runs waits for what becomes of that.
  local ended, held = unpack(redis.call('HMGET', recordOf(id), 'ended', 'tag'))
  if ended then return nil end
  local lease = heldUntil(id, held, at)
  if lease then
    redis.call('ZADD', delayedOf(queue), lease, text)
    return nil
  end
  local retries = type(headers.retries) == 'number' and headers.retries or 0
  -- What is no count is refused by the worker.
  if not (retries >= 0 and retries < 2 ^ 53) then retries = 0 end
  retries = string.format('%d', retries)
  local exchange = type(info.exchange) == 'string' and info.exchange or ''
  local key = type(info.routing_key) == 'string' and info.routing_key or queue
  -- A copy of a message that somebody has would take its place.
  while redis.call('HEXISTS', unacked, tag) == 1 do tag = tag .. '+' end
  redis.call('HSET', unacked, tag, '[' .. text .. ', ' .. cjson.encode(exchange) .. ', ' .. cjson.encode(key) .. ']')
  redis.call('ZADD', index, at / 1000, tag)
  redis.call('ZADD', leases, at + leaseMs, tag)
  local epoch, deliveries = count(id, retries, worker, at, maxDeliveries)
  redis.call('HSET', recordOf(id), 'tag', tag)
  redis.call('HSET', holds, tag, cjson.encode({ worker, id, epoch, queue, #text }))
  if hasId and headers.ignore_result ~= true then storeStarted(id) end
  return { queue, tag, text, epoch, deliveries, redis.call('GET', 'afterword-revoked-' .. id) }
end

local function moveDue(queue, at)
  for _, text in ipairs(redis.call('ZRANGEBYSCORE', delayedOf(queue), '-inf', at, 'LIMIT', 0, 100)) do
    redis.call('ZREM', delayedOf(queue), text)
    local isRead, message = decode(text)
    local priority = isRead and type(message) == 'table' and type(message.properties) == 'table' and message.properties.priority
    redis.call('RPUSH', listOf(queue, priority), text)
  end
end

local function earlier(one, two)
  if one and (not two or tonumber(one) < tonumber(two)) then return one end
  return two
end

-- What a dead worker has, a digest of it, and from which queue it was taken, '' if no worker of ours did.
local function staleEntry(tag)
  local entry, hold = redis.call('HGET', unacked, tag) or '', redis.call('HGET', holds, tag)
  return { tag, entry, redis.sha1hex(entry), hold and cjson.decode(hold)[4] or '' }
end

-- worker, how many, lease, visibility timeout of Celery's own, how often a job is handed out, queues ...
function verbs.claim()
  local worker, left, leaseMs, visibilityMs = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
  local maxDeliveries = tonumber(ARGV[6])
  local at = now()
  local taken, aside = {}, {}
  -- A flood of what is not handed out must not keep the server from others.
  local looks, bytes = left + 200, 0
  for queue = 7, #ARGV do moveDue(ARGV[queue], at) end
  for _, step in ipairs(steps) do
    for queue = 7, #ARGV do
      while left > 0 and looks > 0 and bytes < maxBytes do
        local text = redis.call('RPOP', ARGV[queue] .. step)
        if not text then break end
        looks, bytes = looks - 1, bytes + #text
        local message, reason = take(ARGV[queue], text, worker, at, leaseMs, maxDeliveries)
        if message then
          taken[#taken + 1] = message
          left = left - 1
        elseif reason then
          setAside(ARGV[queue], text, reason)
          aside[#aside + 1] = { ARGV[queue], reason }
        end
      end
    end
  end
  -- What those have who are dead: ours after their lease, those of Celery's workers after the visibility timeout.
  local stale = {}
  local function addStale(tag)
    if bytes >= maxBytes then return end
    stale[#stale + 1] = staleEntry(tag)
    bytes = bytes + #stale[#stale][2]
  end
  for _, tag in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', at, 'LIMIT', 0, 100)) do
    addStale(tag)
  end
  for _, tag in ipairs(redis.call('ZRANGEBYSCORE', index, '-inf', (at - visibilityMs) / 1000, 'LIMIT', 0, 10)) do
    if not redis.call('ZSCORE', leases, tag) then addStale(tag) end
  end
  local soon = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')[2]
  for queue = 7, #ARGV do
    soon = earlier(redis.call('ZRANGE', delayedOf(ARGV[queue]), 0, 0, 'WITHSCORES')[2], soon)
  end
  if looks == 0 or bytes >= maxBytes then soon = at end
  return { taken, aside, stale, soon and math.max(0, soon - at) or -1 }
end

-- Where kombu would put a message of an exchange: into the queues that are bound to it with that key (kombu/transport/redis.py).
local function bound(exchange, key)
  local queues, start = {}, key .. '\\6\\022'
  for _, member in ipairs(redis.call('SMEMBERS', '_kombu.binding.' .. exchange)) do
    if string.sub(member, 1, #start) == start then queues[#queues + 1] = string.match(member, '\\6\\022([^\\6]*)$') end
  end
  return queues
end

-- tag, digest of the entry, queue or '', exchange, routing key, priority, text, reason or '': gives back what a dead worker had,
-- unless it has moved; or sets it aside.
function verbs.takeBack()
  local tag, digest, queue, exchange, key, priority, text, reason =
    ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
  if redis.sha1hex(redis.call('HGET', unacked, tag) or '') ~= digest then return 0 end
  local lease = redis.call('ZSCORE', leases, tag)
  if lease and tonumber(lease) > now() then return 0 end
  local hold = redis.call('HGET', holds, tag)
  forget(tag)
  if hold then redis.call('HSET', recordOf(cjson.decode(hold)[2]), 'state', 'queued') end
  if text == '' then return 1 end
  local queues = queue == '' and exchange ~= '' and bound(exchange, key) or {}
  if #queues == 0 then queues = { queue ~= '' and queue or key } end
  for _, name in ipairs(queues) do
    if reason == '' then redis.call('RPUSH', listOf(name, priority), text) else setAside(name, text, reason) end
  end
  return 1
end

-- The id under which a worker has a message, if it is still its own. Messages of protocol 1 say theirs where no script reads it.
-- Without a tag, another server carries the message.
local function owns(tag, worker, id, epoch)
  if tag == '' then
    local record = redis.call('HMGET', recordOf(id), 'worker', 'epoch', 'state')
    return record[1] == worker and record[2] == epoch and (record[3] == 'running' or record[3] == 'canceled') and id
  end
  local hold = redis.call('HGET', holds, tag)
  if not hold then return false end
  local held = cjson.decode(hold)
  return held[1] == worker and string.format('%d', held[3]) == epoch and held[2]
end

-- worker, tag, id, epoch, list, when it is due or '': to run next, or not before then.
function verbs.giveBack()
  local worker, tag, id, epoch, list, due = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
  if not owns(tag, worker, id, epoch) then return 0 end
  local text = textOf(tag)
  if not text then return 0 end
  forget(tag)
  redis.call('HSET', recordOf(id), 'state', 'queued')
  -- An attempt that was never handed out has not begun.
  if redis.call('HINCRBY', recordOf(id), 'deliveries', -1) <= 0 then
    redis.call('HINCRBY', recordOf(id), 'retries', -1)
  end
  redis.call('DEL', resultOf(id))
  if due ~= '' then
    delayUntil(list, id, text, due)
  elseif text ~= '' then
    redis.call('RPUSH', list, text)
  end
  tell(id)
  return 1
end
`;
