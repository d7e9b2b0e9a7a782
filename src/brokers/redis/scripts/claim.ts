/** Gives jobs to a worker: BullMQ's own step for each, as many as are asked for in one call. */
export const claim = /* lua */ `
-- The jobs of workers that are dead. BullMQ's check for stalled jobs needs two rounds; a lease has one end.
local function takeBack(request)
  for _, member in ipairs(rcall("ZRANGEBYSCORE", S .. "leases", "-inf", now, "LIMIT", 0, 1000)) do
    local id, q = parse(member)
    local job = A.loadAt(id, q)
    if not job or job.state ~= "running" then
      -- A tool of BullMQ has removed or moved it.
      rcall("ZREM", S .. "leases", member)
      if not job then rcall("LREM", P .. ":" .. q .. ":active", 0, id) end
    elseif job.reason then
      A.finish(job, { status = "canceled" })
    elseif job.deliveries >= request.maxDeliveries then
      A.addFailure(job, request.lost)
      A.finish(job, { status = "failed", error = request.lost.error, message = request.lost.message })
    else
      A.leaveWorker(job)
      rcall("HSET", job.key, "state", "queued")
      A.event(job, "stalled", "jobId", job.id)
      A.queue(job)
      A.tell(job.id)
    end
  end
  A.settle()
end

function verbs.holds()
  local holds = {}
  for _, member in ipairs(rcall("ZRANGE", S .. "leases", 0, -1)) do
    local id, q = parse(member)
    local values = rcall("HMGET", P .. ":" .. q .. ":" .. id, "worker", "epoch", "state")
    if values[1] == ARGV[2] and values[3] == "running" then holds[#holds + 1] = { id, tonumber(values[2]) } end
  end
  return holds
end

-- When another job of a task with limits may start: a time, or nothing where one must end first.
local function roomOf(task, engines, cache)
  local room = cache[task]
  if room then return room end
  local limits = cjson.decode(rcall("HGET", S .. "limits", task) or "{}")
  room = { left = math.huge, at = now }
  if limits.maxRunning then
    local running = 0
    for _, e in ipairs(engines) do
      if e.task == task then running = running + rcall("LLEN", e.base .. "active") end
    end
    room.left = limits.maxRunning - running
    if room.left <= 0 then room.at = nil end
  end
  if limits.limit then
    room.limit = limits.limit
    room.perMs = limits.perMs
    local oldest = rcall("LINDEX", S .. "starts:" .. task, limits.limit - 1)
    local free = limits.limit
    if oldest and oldest + limits.perMs > now then
      free = 0
      if room.at then room.at = oldest + limits.perMs end
    else
      free = 0
      for _, at in ipairs(rcall("LRANGE", S .. "starts:" .. task, 0, limits.limit - 1)) do
        if at + limits.perMs > now then free = free + 1 end
      end
      free = limits.limit - free
    end
    room.left = math.min(room.left, free)
  end
  cache[task] = room
  return room
end

local function noteStart(task, room)
  room.left = room.left - 1
  if not room.limit then return end
  local key = S .. "starts:" .. task
  rcall("LPUSH", key, now)
  rcall("LTRIM", key, 0, room.limit - 1)
  rcall("PEXPIRE", key, room.perMs)
end

-- The places of the next jobs. What lies in "wait" comes first: tools put it there.
local function readHeads(e, count)
  e.heads = {}
  for _ = 1, math.min(count, rcall("LLEN", e.base .. "wait")) do e.heads[#e.heads + 1] = -1 end
  local flat = rcall("ZRANGE", e.base .. "prioritized", 0, count - 1, "WITHSCORES")
  for index = 2, #flat, 2 do e.heads[#e.heads + 1] = tonumber(flat[index]) end
  e.next = 1
end

local function best(open, engines, rooms)
  local found
  for _, e in ipairs(open) do
    local head = e.heads[e.next]
    if head and (not found or head < found.heads[found.next])
      and (e.task == "" or roomOf(e.task, engines, rooms).left > 0) then found = e end
  end
  return found
end

local function start(e, flat, id, place, request)
  local job = {}
  for index = 1, #flat, 2 do job[flat[index]] = flat[index + 1] end
  local key = e.base .. id
  local member = id .. " " .. e.q
  if not job.settings then
    -- Added by BullMQ itself, by whoever knows nothing of us.
    local isKnown, options = pcall(cjson.decode, job.opts or "{}")
    job.settings = cjson.encode({ attempts = isKnown and options.attempts or 1, keepResultMs = 86400000,
      keepFailedMs = 604800000, backoff = { baseMs = 1000, factor = 2, maxMs = 3600000, jitter = true } })
    job.data = string.sub(job.data or "", 1, 1) == "[" and job.data or ("[" .. (job.data or "null") .. "]")
    rcall("HSET", key, "settings", job.settings, "queue", e.queue, "data", job.data, "runAt", job.timestamp or now)
    rcall("ZADD", S .. "jobs", 0, member)
  end
  if finals[job.state] then
    -- A tool of BullMQ has put it there again.
    rcall("ZREM", S .. "unsuccessful", member)
    rcall("ZREM", S .. "forget", member)
    if job.state == "canceled" or job.state == "expired" then
      rcall("HINCRBY", S .. "tallies", e.q .. "\\n" .. job.state, -1)
    end
    rcall("HDEL", key, "error", "reason", "finishedOn", "partFailed", "parked")
    job.attempt, job.deliveries = 0, 0
  end
  local epoch = tonumber(job.epoch or 0) + 1
  local deliveries = tonumber(job.deliveries or 0) + 1
  local attempt = tonumber(job.attempt or 0) + (deliveries == 1 and 1 or 0)
  rcall("HSET", key, "state", "running", "worker", request.worker, "epoch", epoch, "deliveries", deliveries,
    "attempt", attempt, "startedAt", now, "place", place >= 0 and place or job.place or "")
  rcall("ZADD", S .. "leases", now + request.leaseMs, member)
  A.tell(id)
  return { id, job.name, job.queue or e.queue, job.data, attempt, job.settings, deliveries, job.meta or "{}", epoch }
end

local function nextMs(roomAt)
  local first = roomAt or math.huge
  for _, key in ipairs({ "due", "leases" }) do
    local at = rcall("ZRANGE", S .. key, 0, 0, "WITHSCORES")[2]
    if at then first = math.min(first, tonumber(at)) end
  end
  return first == math.huge and -1 or math.max(0, first - now)
end

function verbs.claim()
  local request = cjson.decode(ARGV[2])
  takeBack(request)
  local wanted, open, rooms, jobs, roomAt = {}, {}, {}, {}, nil
  for _, queue in ipairs(request.queues) do wanted[queue] = rcall("SISMEMBER", S .. "paused", queue) == 0 end
  local engines = A.engines()
  for _, e in ipairs(engines) do
    if wanted[e.queue] then
      readHeads(e, request.count)
      if #e.heads > 0 then open[#open + 1] = e end
    end
  end
  while #jobs < request.count do
    local e = best(open, engines, rooms)
    if not e then break end
    local base = e.base
    local place = e.heads[e.next]
    e.next = e.next + 1
    local options = { token = request.token .. ":" .. #jobs, lockDuration = request.leaseMs, name = request.worker }
    local answer = bull.moveToActive(
      { base .. "wait", base .. "active", base .. "prioritized", base .. "events", base .. "stalled", base .. "limiter",
        base .. "delayed", base .. "paused", base .. "meta", base .. "pc", base .. "marker" },
      { base, tostring(now), cmsgpack.pack(options) })
    if type(answer[1]) == "table" then
      jobs[#jobs + 1] = start(e, answer[1], answer[2], place, request)
      if e.task ~= "" then noteStart(e.task, roomOf(e.task, engines, rooms)) end
    else
      e.heads = {}
    end
  end
  for _, e in ipairs(open) do
    local room = e.task ~= "" and e.heads[e.next] and roomOf(e.task, engines, {})
    if room and room.at and room.at > now then roomAt = math.min(roomAt or math.huge, room.at) end
  end
  return { nextMs(roomAt), jobs }
end
`;
