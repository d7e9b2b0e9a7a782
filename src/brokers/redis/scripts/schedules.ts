/** Schedules, and the jobs of their ticks: BullMQ's job schedulers make one job at a time and know no missed ticks. */
export const schedules = /* lua */ `
local function read(name)
  local text = rcall("HGET", S .. "schedules", name)
  return text and cjson.decode(text)
end

local function write(name, record)
  local text = cjson.encode(record)
  rcall("HSET", S .. "schedules", name, text)
  return text
end

function verbs.putSchedule()
  local given = cjson.decode(ARGV[2])
  local record = read(given.name) or { createdAt = now, isPaused = false }
  for _, name in ipairs({ "name", "cron", "timezone", "task" }) do record[name] = given[name] end
  return write(given.name, record)
end

function verbs.removeSchedule()
  return rcall("HDEL", S .. "schedules", ARGV[2])
end

function verbs.schedules()
  return rcall("HVALS", S .. "schedules")
end

function verbs.pauseSchedule()
  local record = read(ARGV[2])
  if not record then return 0 end
  record.isPaused = ARGV[3] == "1"
  write(ARGV[2], record)
  return 1
end

-- ARGV: verb, maxQueued, name, times as JSON, jobs.
function verbs.tick()
  local name = ARGV[3]
  local times = cjson.decode(ARGV[4])
  local record = read(name)
  local last = (not record or record.isPaused) and math.huge or record.lastTickAt or -math.huge
  local all, jobs, answers = A.readJobs(5), {}, {}
  for index, at in ipairs(times) do
    local isNext = at > last
    if isNext then
      last = at
      jobs[#jobs + 1] = all[index]
    end
    answers[index] = isNext and 1 or 0
  end
  if #jobs == 0 then return answers end
  -- First the jobs: when there is no room for them, the ticks are still to be stored.
  local stored, full = A.enqueue(jobs, tonumber(ARGV[2]))
  if full then return { "full", full[1], full[2] } end
  record.lastTickAt = last
  record.lastJobId = stored[#stored]
  write(name, record)
  return answers
end
`;
