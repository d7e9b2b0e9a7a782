/** Looking at jobs, queues and workers. */
export const inspect = /* lua */ `
local function row(id, q)
  local key = P .. ":" .. q .. ":" .. id
  local hash = rcall("HGETALL", key)
  if #hash == 0 then return {} end
  return { id, hash, rcall("LRANGE", key .. ":failures", 0, -1), rcall("LRANGE", key .. ":logs", 0, -1) }
end

function verbs.get()
  local rows = {}
  for index = 2, #ARGV do
    local q = A.find(ARGV[index])
    rows[#rows + 1] = q and row(ARGV[index], q) or {}
  end
  return rows
end

local function contains(text, part)
  return text and string.find(text, part, 1, true) ~= nil
end

local function matches(filter, statuses, id, q)
  local values = rcall("HMGET", P .. ":" .. q .. ":" .. id, "state", "queue", "name", "uniqueKey", "data", "error")
  if not values[3] then return false end
  if statuses and not statuses[values[1] or "queued"] then return false end
  if filter.queue and values[2] ~= filter.queue then return false end
  if filter.task and values[3] ~= filter.task then return false end
  if filter.uniqueKey and values[4] ~= filter.uniqueKey then return false end
  if not filter.text then return true end
  if contains(values[5], filter.text) or contains(id, filter.text) then return true end
  local ok, error = pcall(cjson.decode, values[6] or "null")
  return ok and type(error) == "table" and contains(error.message, filter.text)
end

-- Of those that have ended badly there is an index, and those that run are few; everything else is read by age.
local function sourceOf(filter, statuses)
  if not statuses then return "jobs" end
  if #filter.statuses == 1 and statuses.running then
    local members = rcall("ZRANGE", S .. "leases", 0, -1)
    table.sort(members, function(a, b) return a > b end)
    return nil, members
  end
  if not (statuses.succeeded or statuses.queued or statuses.running or statuses.scheduled) then return "unsuccessful" end
  return "jobs"
end

function verbs.list()
  local request = cjson.decode(ARGV[2])
  local filter, after = request.filter, request.after
  local statuses
  if filter.statuses then
    statuses = {}
    for _, status in ipairs(filter.statuses) do statuses[status] = true end
  end
  local source, members = sourceOf(filter, statuses)
  local isAtEnd = true
  if source then
    local from = after and ("(" .. after .. " ") or "+"
    members = rcall("ZREVRANGEBYLEX", S .. source, from, "-", "LIMIT", 0, request.scanned)
    isAtEnd = #members < request.scanned
  end
  local rows, last = {}, nil
  for _, member in ipairs(members) do
    local id, q = parse(member)
    if source or not after or id < after then
      if matches(filter, statuses, id, q) then
        if #rows == request.limit then return { last or "", rows } end
        rows[#rows + 1] = row(id, q)
      end
      last = id
    end
  end
  return { isAtEnd and "" or last, rows }
end

local function oldestQueuedAt(e)
  local oldest
  for priority = 1, 10 do
    local from = priority * 0x100000000
    local ids = rcall("ZRANGEBYSCORE", e.base .. "prioritized", from, "(" .. string.format("%.0f", from + 0x100000000),
      "LIMIT", 0, 20)
    for _, id in ipairs(ids) do
      local at = tonumber(rcall("HGET", e.base .. id, "runAt") or now)
      if not oldest or at < oldest then oldest = at end
    end
  end
  return oldest
end

function verbs.counts()
  local answer = {}
  for _, e in ipairs(A.engines()) do
    local canceled = tonumber(rcall("HGET", S .. "tallies", e.q .. "\\ncanceled") or 0)
    local expired = tonumber(rcall("HGET", S .. "tallies", e.q .. "\\nexpired") or 0)
    answer[#answer + 1] = { e.queue,
      rcall("ZCARD", e.base .. "delayed") + rcall("ZCARD", e.base .. "waiting-children"),
      rcall("ZCARD", e.base .. "prioritized") + rcall("LLEN", e.base .. "wait"),
      rcall("LLEN", e.base .. "active"), rcall("ZCARD", e.base .. "completed"),
      math.max(0, rcall("ZCARD", e.base .. "failed") - canceled - expired), canceled, expired, oldestQueuedAt(e) or -1 }
  end
  return { answer, rcall("SMEMBERS", S .. "paused") }
end

function verbs.workers()
  local flat = rcall("HGETALL", S .. "workers")
  local alive = {}
  for index = 1, #flat, 2 do
    local record = cjson.decode(flat[index + 1])
    if record.seenAt + record.leaseMs > now then
      alive[#alive + 1] = { record.worker, string.format("%.0f", record.startedAt), string.format("%.0f", record.seenAt),
        record.running }
    elseif record.seenAt + 10 * record.leaseMs < now then
      rcall("HDEL", S .. "workers", flat[index])
    end
  end
  return alive
end
`;
