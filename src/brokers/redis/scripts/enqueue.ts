/** Stores jobs, all or none. */
export const enqueue = /* lua */ `
local limitsSeen = {}

-- The limits of the job that was stored last are in force, also when it has none.
local function setLimits(task, limits)
  if limitsSeen[task] == limits then return end
  limitsSeen[task] = limits
  if limits ~= "" then rcall("HSET", S .. "limits", task, limits)
  else rcall("HDEL", S .. "limits", task) end
end

local function countWaiting()
  local count = 0
  for _, e in ipairs(A.engines()) do
    count = count + rcall("LLEN", e.base .. "wait") + rcall("ZCARD", e.base .. "prioritized")
      + rcall("ZCARD", e.base .. "delayed") + rcall("ZCARD", e.base .. "waiting-children")
  end
  return count
end

local function countNew(jobs)
  local ids, keys, count = {}, {}, 0
  for _, job in ipairs(jobs) do
    local key = job.uniqueKey and A.keyOf(job)
    if not ids[job.id] and not (key and keys[key]) and not A.holder(job) and not A.isKnown(job.id) then
      ids[job.id] = true
      if key then keys[key] = true end
      count = count + 1
    end
  end
  return count
end

local function assertRoom(jobs, maxQueued)
  if maxQueued < 0 then return nil end
  local waiting = countWaiting()
  if waiting + #jobs <= maxQueued then return nil end
  local added = countNew(jobs)
  if added == 0 or waiting + added <= maxQueued then return nil end
  return { waiting, added }
end

-- Whoever waits for a job that was not stored waits for the one that stands for it.
local function standIn(job, standIns)
  local settings = cjson.decode(job.settings)
  local isChanged = false
  for index, id in ipairs(settings.after.ids) do
    if standIns[id] then
      settings.after.ids[index] = standIns[id]
      isChanged = true
    end
  end
  if isChanged then job.settings = cjson.encode(settings) end
end

local function store(job)
  local base, id = job.base, job.id
  A.engine(job.q, job.queue, job.limits ~= "" and job.name or "")
  setLimits(job.name, job.limits)
  local priority = tonumber(job.priority)
  local args = cmsgpack.pack({ base, id, job.name, now })
  local fields = { "queue", job.queue, "settings", job.settings }
  local function set(name, value)
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  if job.meta ~= "{}" then set("meta", job.meta) end
  if job.uniqueKey then
    set("uniqueKey", job.uniqueKey)
    rcall("HSET", S .. "keys", A.keyOf(job), id)
  end
  if job.isParked then
    local options = cmsgpack.pack({ priority = priority, attempts = job.attempts })
    bull.addParentJob({ base .. "meta", base .. "id", base .. "delayed", base .. "waiting-children", base .. "completed",
      base .. "events" }, { args, job.args, options })
    set("state", "scheduled")
    set("parked", "1")
    set("place", A.place(job))
  elseif job.delayMs > 0 then
    local options = cmsgpack.pack({ priority = priority, attempts = job.attempts, delay = job.delayMs })
    bull.addDelayedJob({ base .. "marker", base .. "meta", base .. "id", base .. "delayed", base .. "completed",
      base .. "events" }, { args, job.args, options })
    set("state", "scheduled")
    set("runAt", now + job.delayMs)
    set("place", A.place(job))
    rcall("ZADD", S .. "due", now + job.delayMs, "d " .. id .. " " .. job.q)
  else
    local options = cmsgpack.pack({ priority = priority, attempts = job.attempts })
    bull.addPrioritizedJob({ base .. "marker", base .. "meta", base .. "id", base .. "prioritized", base .. "delayed",
      base .. "completed", base .. "active", base .. "events", S .. "pc" }, { args, job.args, options })
    set("state", "queued")
    set("runAt", now)
  end
  if job.expiresMs then
    set("expiresAt", now + job.expiresMs)
    rcall("ZADD", S .. "due", now + job.expiresMs, "x " .. id .. " " .. job.q)
  end
  rcall("HSET", base .. id, unpack(fields))
  rcall("ZADD", S .. "jobs", 0, id .. " " .. job.q)
  A.tell(id)
end

-- Each job is 14 arguments.
function A.readJobs(from)
  local jobs = {}
  local index = from
  while ARGV[index] do
    local function at(offset)
      local value = ARGV[index + offset]
      if value == "" then return nil end
      return value
    end
    jobs[#jobs + 1] = { id = ARGV[index], q = ARGV[index + 1], queue = ARGV[index + 2], name = ARGV[index + 3],
      args = ARGV[index + 4], priority = ARGV[index + 5], delayMs = tonumber(ARGV[index + 6]), expiresMs = tonumber(at(7)),
      uniqueKey = at(8), settings = ARGV[index + 9], meta = ARGV[index + 10], limits = ARGV[index + 11],
      isParked = at(12) == "1", attempts = tonumber(ARGV[index + 13]),
      base = P .. ":" .. ARGV[index + 1] .. ":", key = P .. ":" .. ARGV[index + 1] .. ":" .. ARGV[index] }
    index = index + 14
  end
  return jobs
end

-- Returns what stands for each, or the number of those that wait and of those that have no room.
function A.enqueue(jobs, maxQueued)
  local full = assertRoom(jobs, maxQueued)
  if full then return nil, full end
  local standIns, waiting, stored = {}, {}, {}
  for _, job in ipairs(jobs) do
    if A.isKnown(job.id) then
      stored[#stored + 1] = job.id
    else
      local holder = A.holder(job)
      if holder then
        standIns[job.id] = holder
      else
        if job.isParked then
          standIn(job, standIns)
          waiting[#waiting + 1] = job.id
        end
        store(job)
      end
      stored[#stored + 1] = holder or job.id
    end
  end
  -- Once all are there: a job may come before one that it waits for.
  for _, id in ipairs(waiting) do
    local job = A.load(id)
    if A.isWaiting(job) then A.await(job) end
  end
  A.settle()
  return stored
end

function verbs.enqueue()
  local stored, full = A.enqueue(A.readJobs(3), tonumber(ARGV[2]))
  if full then return { "full", full[1], full[2] } end
  return stored
end
`;
