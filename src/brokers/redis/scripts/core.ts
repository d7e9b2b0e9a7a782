/** What all verbs stand on: keys, the clock of the server, and looking a job up. */
export const core = /* lua */ `
local rcall = redis.call
local P = KEYS[1]
local S = P .. ":$:"
local time = rcall("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local A = {}
local verbs = {}
local changed = {}
local untold = {}
local settingsCache = {}
local finals = { succeeded = true, failed = true, canceled = true, expired = true }

local fieldNames = { "name", "state", "epoch", "reason", "queue", "deliveries", "attempt", "uniqueKey", "place", "parked",
  "partFailed", "settings", "expiresAt", "priority", "timestamp", "awaited" }

-- A job is found by its id alone: the index holds "<id> <engine queue>", in the order of the ids.
function A.find(id)
  local found = rcall("ZRANGEBYLEX", S .. "jobs", "[" .. id .. " ", "(" .. id .. "!", "LIMIT", 0, 1)[1]
  return found and string.sub(found, #id + 2)
end

function A.loadAt(id, q)
  local base = P .. ":" .. q .. ":"
  local job = { id = id, q = q, base = base, key = base .. id }
  local values = rcall("HMGET", job.key, unpack(fieldNames))
  if not values[1] then
    -- A tool of BullMQ has removed it.
    rcall("ZREM", S .. "jobs", id .. " " .. q)
    return nil
  end
  for index, name in ipairs(fieldNames) do job[name] = values[index] or nil end
  job.state = job.state or "queued"
  if job.place == "" then job.place = nil end
  job.epoch = tonumber(job.epoch or 0)
  job.deliveries = tonumber(job.deliveries or 0)
  job.attempt = tonumber(job.attempt or 0)
  return job
end

-- Whether it is there, and not only in the index.
function A.isKnown(id)
  local q = A.find(id)
  if not q then return false end
  if rcall("EXISTS", P .. ":" .. q .. ":" .. id) == 1 then return true end
  rcall("ZREM", S .. "jobs", id .. " " .. q)
  return false
end

function A.load(id)
  local q = A.find(id)
  return q and A.loadAt(id, q)
end

function A.settings(job)
  local text = job.settings
  if not text then return { keepResultMs = 86400000, keepFailedMs = 604800000, attempts = 1 } end
  local known = settingsCache[text]
  if not known then
    known = cjson.decode(text)
    settingsCache[text] = known
  end
  return known
end

-- Makes an engine queue known, to us and to BullMQ's tools.
function A.engine(q, queue, task)
  if rcall("HSETNX", S .. "engines", q, queue .. "\\n" .. task) == 0 then return end
  local meta = P .. ":" .. q .. ":meta"
  rcall("HSET", meta, "opts.maxLenEvents", 10000, "version", "bullmq:" .. bullVersion)
  if rcall("SISMEMBER", S .. "paused", queue) == 1 then rcall("HSET", meta, "paused", 1) end
end

-- All engine queues: { q, queue, task }, task being "" where no limits are.
function A.engines()
  local flat = rcall("HGETALL", S .. "engines")
  local all = {}
  for index = 1, #flat, 2 do
    local at = string.find(flat[index + 1], "\\n", 1, true)
    all[#all + 1] = { q = flat[index], base = P .. ":" .. flat[index] .. ":",
      queue = string.sub(flat[index + 1], 1, at - 1), task = string.sub(flat[index + 1], at + 1) }
  end
  return all
end

function A.event(job, ...)
  rcall("XADD", job.base .. "events", "MAXLEN", "~", 10000, "*", "event", ...)
end

function A.tell(id)
  changed[#changed + 1] = id
end
`;
