import { askingVerbs } from "./asking-verbs.ts";
import { endingVerbs } from "./ending-verbs.ts";
import { mailboxVerbs } from "./mailbox-verbs.ts";
import { recordVerbs } from "./record-verbs.ts";
import { takingVerbs } from "./taking-verbs.ts";

/**
 * Everything that must happen at once in Redis, as one script with a verb: kombu takes a message and notes down that it has it in
 * two steps, and loses it when it dies between them.
 *
 * Celery's own keys are used as Celery uses them: the lists of the queues, `unacked` and `unacked_index`, the results. Beside them
 * stands what it lacks: leases that end when a worker falls silent, who holds what, what waits for its time, and of each job of
 * ours a record, which knows how often it was handed out and how far it is.
 *
 * Where messages travel through another server, a tag is empty, and so are lists and texts: only what is known of jobs is kept
 * here, and a job is whose record says so.
 */
export const script: string = `
local unacked, index = 'unacked', 'unacked_index'
local leases, holds = 'afterword-leases', 'afterword-holds'
local steps = { '', '\\6\\0223', '\\6\\0226', '\\6\\0229' }
local verbs = {}
-- A longer message would keep the server and the connection from everything else for too long: about so much is looked at at once.
local maxBytes = 4194304

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function recordOf(id) return 'afterword-job-' .. id end
local function failuresOf(id) return 'afterword-failures-' .. id end
local function logOf(id) return 'afterword-log-' .. id end
local function resultOf(id) return 'celery-task-meta-' .. id end
local function delayedOf(queue) return queue .. ':delayed' end

-- Whole milliseconds that the server takes.
local function span(ms)
  return math.min(1e15, math.max(1, math.ceil(tonumber(ms))))
end

local function keep(id, ms)
  for _, key in ipairs({ recordOf(id), failuresOf(id), logOf(id) }) do redis.call('PEXPIRE', key, span(ms)) end
end

local function listOf(queue, priority)
  local step = math.floor((tonumber(priority) or 0) / 3)
  return queue .. steps[math.max(0, math.min(3, step)) + 1]
end

local function forget(tag)
  if tag == '' then return end
  redis.call('HDEL', unacked, tag)
  redis.call('ZREM', index, tag)
  redis.call('ZREM', leases, tag)
  redis.call('HDEL', holds, tag)
end

-- Tells those who wait for work, or for a job.
local function tell(id)
  redis.call('PUBLISH', 'afterword-news', id)
end

local function setAside(queue, text, reason)
  if #text > maxBytes then
    -- To write it within JSON would take six times its memory.
    redis.call('LPUSH', queue .. ':long', text)
    reason, text = reason .. '; it is in the list ' .. queue .. ':long', ''
  end
  redis.call('LPUSH', queue .. ':dead', cjson.encode({ reason = reason, message = text }))
end

-- A message that a worker of ours has, byte for byte as it came.
local function textOf(tag)
  if tag == '' then return '' end
  local entry, hold = redis.call('HGET', unacked, tag), redis.call('HGET', holds, tag)
  local length = hold and cjson.decode(hold)[5]
  return entry and length and string.sub(entry, 2, 1 + length)
end

-- queue, tag, reason: a copy of what a worker has for the dead letters.
function verbs.setAside()
  local text = textOf(ARGV[3])
  if text then setAside(ARGV[2], text, ARGV[4]) end
  return 1
end

-- A message of a job, whose record says so if there is one.
local function send(id, list, text)
  local state = redis.call('HGET', recordOf(id), 'state')
  -- One that was sent through another server may have been faster.
  if state and (text ~= '' or state == 'scheduled') then redis.call('HSET', recordOf(id), 'state', 'queued', 'runAt', now()) end
  if text ~= '' then redis.call('LPUSH', list, text) end
end

-- (id, record, delay or '', expiry or '', how long it is kept, list, text or '') ...: what comes first runs first.
function verbs.enqueue()
  local at = now()
  for arg = 2, #ARGV, 7 do
    local id, delayMs, expiresMs, text = ARGV[arg], ARGV[arg + 2], ARGV[arg + 3], ARGV[arg + 6]
    local key = recordOf(id)
    if redis.call('HSETNX', key, 'job', ARGV[arg + 1]) == 1 then
      local isDelayed = delayMs ~= ''
      local state = (text == '' or isDelayed) and 'scheduled' or 'queued'
      redis.call('HSET', key, 'state', state, 'storedAt', at)
      if text ~= '' then redis.call('HSET', key, 'runAt', at + (isDelayed and tonumber(delayMs) or 0)) end
      if expiresMs ~= '' then redis.call('HSET', key, 'expiresAt', at + tonumber(expiresMs)) end
      keep(id, ARGV[arg + 4])
      if text ~= '' then redis.call('LPUSH', ARGV[arg + 5], text) end
    end
  end
  for arg = 2, #ARGV, 7 do tell(ARGV[arg]) end
  return 1
end

-- (size, group, seconds) ...: how many parts a chord has.
function verbs.chords()
  for arg = 2, #ARGV, 3 do
    local key = 'celery-taskset-meta-' .. ARGV[arg + 1] .. '.s'
    redis.call('SETEX', key, ARGV[arg + 2], ARGV[arg])
    redis.call('PUBLISH', key, ARGV[arg])
  end
  return 1
end

local function delayUntil(queue, id, text, at)
  if text ~= '' then redis.call('ZADD', delayedOf(queue), at, text) end
  if redis.call('HEXISTS', recordOf(id), 'job') == 1 then redis.call('HSET', recordOf(id), 'state', 'scheduled', 'runAt', at) end
end

-- Counts a delivery: the epoch never falls, the deliveries are those of one attempt.
local function count(id, retries, worker, at, maxDeliveries)
  local key = recordOf(id)
  local epoch = redis.call('HINCRBY', key, 'epoch', 1)
  if redis.call('HGET', key, 'retries') ~= retries then
    redis.call('HSET', key, 'retries', retries, 'deliveries', 0)
  end
  local deliveries = tonumber(redis.call('HGET', key, 'deliveries')) + 1
  -- One that is handed out no more is only taken to be ended.
  if deliveries <= maxDeliveries then redis.call('HSET', key, 'deliveries', deliveries) end
  redis.call('HSET', key, 'state', 'running', 'worker', worker, 'startedAt', at)
  if redis.call('PTTL', key) < 604800000 then keep(id, 1209600000) end
  return epoch, deliveries
end

${takingVerbs}
${endingVerbs}
${askingVerbs}
${recordVerbs}
${mailboxVerbs}
return verbs[ARGV[1]]()
`;
