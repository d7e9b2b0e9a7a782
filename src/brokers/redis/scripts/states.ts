/** How a job comes from one state to another. */
export const states = /* lua */ `
local finishOptions = cmsgpack.pack({ token = "0", attempts = 1, keepJobs = { count = -1 }, maxMetricsSize = "" })

-- BullMQ's score: the lowest number runs first, and one counter for all queues makes their jobs comparable by age.
function A.place(job)
  if not job.place then
    job.place = tonumber(job.priority or 5) * 0x100000000 + rcall("INCR", S .. "pc") % 0x100000000
  end
  return job.place
end

function A.queue(job)
  rcall("ZADD", job.base .. "prioritized", A.place(job), job.id)
  A.event(job, "waiting", "jobId", job.id)
end

-- From that moment it may run.
function A.ready(job, at)
  A.place(job)
  if at > now then
    rcall("HSET", job.key, "state", "scheduled", "runAt", at, "delay", at - now, "place", job.place)
    rcall("ZADD", job.base .. "delayed", at * 0x1000, job.id)
    rcall("ZADD", S .. "due", at, "d " .. job.id .. " " .. job.q)
    A.event(job, "delayed", "jobId", job.id, "delay", at)
    job.state = "scheduled"
  else
    rcall("HSET", job.key, "state", "queued", "runAt", at, "delay", 0, "place", job.place)
    A.queue(job)
    job.state = "queued"
  end
  A.tell(job.id)
end

-- A worker has it no more.
function A.leaveWorker(job)
  rcall("LREM", job.base .. "active", -1, job.id)
  rcall("DEL", job.key .. ":lock")
  rcall("ZREM", S .. "leases", job.id .. " " .. job.q)
end

-- As if it had not been handed out: at its old place, and no counter has changed.
function A.giveBack(job)
  A.leaveWorker(job)
  local deliveries = job.deliveries - 1
  rcall("HSET", job.key, "state", "queued", "deliveries", deliveries,
    "attempt", job.attempt - (deliveries == 0 and 1 or 0))
  A.queue(job)
  A.tell(job.id)
end

local function leaveQueue(job)
  if not job.place then
    job.place = rcall("ZSCORE", job.base .. "prioritized", job.id) or nil
    if job.place then rcall("HSET", job.key, "place", job.place) end
  end
  if rcall("ZREM", job.base .. "prioritized", job.id) == 0 and rcall("ZREM", job.base .. "delayed", job.id) == 0
    and rcall("ZREM", job.base .. "waiting-children", job.id) == 0 then
    rcall("LREM", job.base .. "wait", 0, job.id)
  end
  if job.state == "scheduled" then rcall("ZREM", S .. "due", "d " .. job.id .. " " .. job.q) end
end

-- BullMQ knows two ends: what we call canceled or expired has failed, with a reason that says so.
local function bullEnd(job, isSuccess, text)
  local set = isSuccess and "completed" or "failed"
  local field = isSuccess and "returnvalue" or "failedReason"
  if job.state == "running" then
    local base = job.base
    local answer = bull.moveToFinished(
      { base .. "wait", base .. "active", base .. "prioritized", base .. "events", base .. "stalled", base .. "limiter",
        base .. "delayed", base .. "paused", base .. "meta", base .. "pc", base .. set, job.key, base .. "metrics:" .. set,
        base .. "marker" },
      { job.id, tostring(now), field, text, set, "0", base, finishOptions, "" })
    rcall("DEL", job.key .. ":lock")
    rcall("ZREM", S .. "leases", job.id .. " " .. job.q)
    if answer == 0 then return end
    rcall("LREM", base .. "active", -1, job.id)
  else
    leaveQueue(job)
  end
  rcall("ZADD", job.base .. set, now, job.id)
  rcall("HSET", job.key, field, text, "finishedOn", now)
  A.event(job, set, "jobId", job.id, field, text)
end

-- Ends a job. Whether it may end so was decided before. ending: status, result, error (JSON), message, reason, partFailed.
function A.finish(job, ending)
  local status = ending.status
  local reason = ending.reason or job.reason
  bullEnd(job, status == "succeeded", ending.result or ending.message or (status .. ": " .. (reason or "")))
  local fields = { "state", status }
  local function set(name, value)
    if value then
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
  end
  set("error", ending.error)
  set("reason", ending.reason)
  set("partFailed", ending.partFailed and "1")
  rcall("HSET", job.key, unpack(fields))
  local keep = A.settings(job)
  local member = job.id .. " " .. job.q
  rcall("ZADD", S .. "forget", now + (status == "failed" and keep.keepFailedMs or keep.keepResultMs), member)
  if status ~= "succeeded" then
    rcall("ZADD", S .. "unsuccessful", 0, member)
    if status ~= "failed" then rcall("HINCRBY", S .. "tallies", job.q .. "\\n" .. status, 1) end
  end
  if job.expiresAt then rcall("ZREM", S .. "due", "x " .. member) end
  A.freeKey(job)
  job.state = status
  job.error = ending.error
  job.reason = reason
  job.result = ending.result
  A.tell(job.id)
  if job.awaited then untold[#untold + 1] = job end
end

function A.keyOf(job)
  return job.name .. "\\n" .. job.uniqueKey
end

function A.holder(job)
  return job.uniqueKey and rcall("HGET", S .. "keys", A.keyOf(job)) or nil
end

function A.freeKey(job)
  if A.holder(job) == job.id then rcall("HDEL", S .. "keys", A.keyOf(job)) end
end

-- Keeps the error of an attempt, for us and where BullMQ's tools look for it.
function A.addFailure(job, failure)
  local record = string.sub(failure.error, 1, -2) .. ',"attempt":' .. job.attempt .. ',"at":' .. now .. "}"
  rcall("RPUSH", job.key .. ":failures", record)
  rcall("LTRIM", job.key .. ":failures", -20, -1)
  rcall("HSET", job.key, "stacktrace", cjson.encode({ failure.stack or failure.message }), "failedReason", failure.message)
end

-- Nobody knows it any more.
function A.forget(job)
  local member = job.id .. " " .. job.q
  if not finals[job.state] then
    leaveQueue(job)
    A.freeKey(job)
    if job.expiresAt then rcall("ZREM", S .. "due", "x " .. member) end
  else
    rcall("ZREM", job.base .. (job.state == "succeeded" and "completed" or "failed"), job.id)
    if job.state ~= "succeeded" then rcall("ZREM", S .. "unsuccessful", member) end
    if job.state == "canceled" or job.state == "expired" then
      rcall("HINCRBY", S .. "tallies", job.q .. "\\n" .. job.state, -1)
    end
  end
  rcall("DEL", job.key, job.key .. ":logs", job.key .. ":failures", job.key .. ":lock", S .. "parts:" .. job.id)
  rcall("ZREM", S .. "jobs", member)
  rcall("ZREM", S .. "forget", member)
  A.event(job, "removed", "jobId", job.id)
  A.tell(job.id)
  job.isForgotten = true
  if job.awaited then untold[#untold + 1] = job end
end
`;
