/** What people do to jobs and queues. */
export const change = /* lua */ `
function verbs.cancel()
  local answers = {}
  for index = 3, #ARGV do
    local job = A.load(ARGV[index])
    local answer = "canceled"
    if not job then answer = "unknown"
    elseif finals[job.state] then answer = "ended"
    elseif job.state == "running" then
      answer = "requested"
      rcall("HSETNX", job.key, "reason", ARGV[2])
      A.tell(job.id)
    else
      A.finish(job, { status = "canceled", reason = ARGV[2] })
      A.settle()
    end
    answers[#answers + 1] = answer
  end
  return answers
end

local function isReopenable(job)
  if not job or not finals[job.state] or job.state == "succeeded" then return false end
  return not A.holder(job)
end

local function reopenOne(job)
  local member = job.id .. " " .. job.q
  rcall("ZREM", job.base .. "failed", job.id)
  rcall("ZREM", S .. "unsuccessful", member)
  rcall("ZREM", S .. "forget", member)
  if job.state ~= "failed" then rcall("HINCRBY", S .. "tallies", job.q .. "\\n" .. job.state, -1) end
  -- Whoever asks for it now wants it, however late it is.
  rcall("HDEL", job.key, "finishedOn", "failedReason", "error", "reason", "expiresAt", "partFailed", "processedOn")
  rcall("HSET", job.key, "attempt", 0, "deliveries", 0, "atm", 0)
  if job.uniqueKey then rcall("HSET", S .. "keys", A.keyOf(job), job.id) end
  job.reason, job.expiresAt, job.error = nil, nil, nil
  if job.parked then
    rcall("ZADD", job.base .. "waiting-children", now, job.id)
    rcall("HSET", job.key, "state", "scheduled")
    job.state = "scheduled"
    A.tell(job.id)
  else
    A.ready(job, now)
  end
end

-- With those that have failed because of it.
local function reopen(first)
  local list = { first }
  local index = 1
  while index <= #list do
    local job = list[index]
    index = index + 1
    if isReopenable(job) then
      reopenOne(job)
      for _, id in ipairs(rcall("SMEMBERS", S .. "waiting:" .. job.id)) do
        local dependent = A.load(id)
        if dependent and dependent.partFailed and isReopenable(dependent) then list[#list + 1] = dependent end
      end
    end
  end
  -- When all are there, each finds out how those are that it waits for.
  for _, job in ipairs(list) do
    if job.parked and job.state == "scheduled" then A.await(job) end
  end
  A.settle()
end

function verbs.retry()
  local could, answers = {}, {}
  for index = 2, #ARGV do
    local job = A.load(ARGV[index])
    could[index] = job and finals[job.state] and job.state ~= "succeeded"
  end
  for index = 2, #ARGV do
    local job = could[index] and A.load(ARGV[index])
    local answer = 0
    if job then
      -- An earlier one may have taken it along.
      if not finals[job.state] then answer = 1
      elseif isReopenable(job) then
        reopen(job)
        answer = 1
      end
    end
    answers[#answers + 1] = answer
  end
  return answers
end

function verbs.remove()
  local answers = {}
  for index = 2, #ARGV do
    local job = A.load(ARGV[index])
    local canBe = job and job.state ~= "running"
    if canBe then
      A.forget(job)
      A.settle()
    end
    answers[#answers + 1] = canBe and 1 or 0
  end
  return answers
end

-- A part of one set at a time. Returns how many were forgotten, how many were passed over, and whether there are more.
local function purgeSet(request, e)
  local set = e.base .. (request.status == "succeeded" and "completed" or "failed")
  local ids = rcall("ZRANGEBYSCORE", set, "-inf", now - request.olderThanMs, "LIMIT", request.skip, request.scanned)
  local count, skip = 0, request.skip
  for _, id in ipairs(ids) do
    local job = A.loadAt(id, e.q)
    if job and job.state == request.status and (not request.task or job.name == request.task) then
      A.forget(job)
      count = count + 1
    else
      skip = skip + 1
    end
  end
  A.settle()
  return count, skip, #ids == request.scanned
end

function verbs.purge()
  local request = cjson.decode(ARGV[2])
  local engines = A.engines()
  table.sort(engines, function(a, b) return a.q < b.q end)
  for _, e in ipairs(engines) do
    if e.q >= request.engine and (not request.queue or e.queue == request.queue) then
      if e.q > request.engine then request.skip = 0 end
      local count, skip, hasMore = purgeSet(request, e)
      if hasMore then return { count, skip, e.q } end
      if count > 0 then return { count, 0, e.q .. "\\0" } end
    end
  end
  return { 0, 0, "" }
end

local function setPaused(queue, isPaused)
  rcall(isPaused and "SADD" or "SREM", S .. "paused", queue)
  for _, e in ipairs(A.engines()) do
    if e.queue == queue then
      if isPaused then rcall("HSET", e.base .. "meta", "paused", 1) else rcall("HDEL", e.base .. "meta", "paused") end
      A.event(e, isPaused and "paused" or "resumed")
    end
  end
  A.tell("")
end

function verbs.pause()
  setPaused(ARGV[2], true)
  return 0
end

function verbs.resume()
  setPaused(ARGV[2], false)
  return 0
end
`;
