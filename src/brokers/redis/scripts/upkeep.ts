/** What time alone does to jobs, done before anybody looks: their delay is over, they expire, they are forgotten. */
export const upkeep = /* lua */ `
local function parse(member)
  return string.match(member, "^(%S+) (.*)$")
end

local function comeDue(member)
  local kind, rest = string.match(member, "^(%a) (.*)$")
  rcall("ZREM", S .. "due", member)
  local id, q = parse(rest)
  local job = A.loadAt(id, q)
  if not job or finals[job.state] then return end
  if kind == "x" then
    if job.epoch > 0 then return end
    local ms = string.format("%.0f", tonumber(job.expiresAt) - tonumber(job.timestamp))
    A.finish(job, { status = "expired", reason = "it was not started within " .. ms .. " ms" })
  elseif job.state == "scheduled" and not job.parked then
    rcall("ZREM", job.base .. "delayed", id)
    rcall("HSET", job.key, "state", "queued", "delay", 0)
    A.queue(job)
    A.tell(id)
  end
end

function A.upkeep()
  -- So many at once: a call is never slow because of all that came due before it.
  for _, member in ipairs(rcall("ZRANGEBYSCORE", S .. "due", "-inf", now, "LIMIT", 0, 1000)) do comeDue(member) end
  for _, member in ipairs(rcall("ZRANGEBYSCORE", S .. "forget", "-inf", now, "LIMIT", 0, 200)) do
    rcall("ZREM", S .. "forget", member)
    local job = A.loadAt(parse(member))
    if job and finals[job.state] then A.forget(job) end
  end
  A.settle()
end
`;
