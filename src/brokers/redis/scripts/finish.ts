/** What workers tell of their jobs. All of it is conditional on the hold: the same epoch, still running. */
export const finish = /* lua */ `
local function held(id, epoch)
  local job = A.load(id)
  if job and job.state == "running" and job.epoch == epoch then return job end
end

local function apply(job, ending)
  local status = ending.status
  if status == "succeeded" then return A.finish(job, ending) end
  if status == "canceled" then return A.finish(job, ending) end
  if status == "failed" or status == "retry" then A.addFailure(job, ending) end
  if status == "failed" then return A.finish(job, ending) end
  -- Somebody wants it canceled: it does not run again.
  if job.reason then return A.finish(job, { status = "canceled" }) end
  if status == "released" then return A.giveBack(job) end
  A.leaveWorker(job)
  rcall("HINCRBY", job.key, "atm", 1)
  rcall("HSET", job.key, "deliveries", 0)
  A.ready(job, now + ending.delayMs)
end

-- Each ending is an id, an epoch, a status, and a text: the result of a success, else JSON.
function verbs.finish()
  local accepted = {}
  for index = 2, #ARGV, 4 do
    local job = held(ARGV[index], tonumber(ARGV[index + 1]))
    if job then
      local status, text = ARGV[index + 2], ARGV[index + 3]
      if status == "succeeded" then apply(job, { status = status, result = text })
      else
        local ending = cjson.decode(text)
        ending.status = status
        apply(job, ending)
      end
    end
    accepted[#accepted + 1] = job and 1 or 0
  end
  A.settle()
  return accepted
end

function verbs.extend()
  local request = cjson.decode(ARGV[2])
  local worker = request.worker
  local known = rcall("HGET", S .. "workers", worker.id)
  local record = { worker = cjson.encode(worker), startedAt = now, seenAt = now, leaseMs = request.leaseMs,
    running = #request.holds }
  if known then record.startedAt = cjson.decode(known).startedAt end
  rcall("HSET", S .. "workers", worker.id, cjson.encode(record))
  local lost, canceled = {}, {}
  for _, hold in ipairs(request.holds) do
    local job = held(hold.id, hold.epoch)
    if not job then
      lost[#lost + 1] = hold.id
    else
      rcall("ZADD", S .. "leases", now + request.leaseMs, hold.id .. " " .. job.q)
      rcall("PEXPIRE", job.key .. ":lock", request.leaseMs)
      if job.reason then canceled[#canceled + 1] = { hold.id, job.reason } end
    end
  end
  return { lost, canceled }
end

function verbs.report()
  for _, report in ipairs(cjson.decode(ARGV[2])) do
    local job = held(report.id, report.epoch)
    if job then
      if report.progress then
        rcall("HSET", job.key, "progress", report.progress, "progressNote", report.note or "", "progressAt", now)
        A.event(job, "progress", "jobId", job.id, "data", report.progress)
      end
      for _, line in ipairs(report.log) do rcall("RPUSH", job.key .. ":logs", string.format("%.0f", now) .. " " .. line) end
      if #report.log > 0 then rcall("LTRIM", job.key .. ":logs", -100, -1) end
      A.tell(job.id)
    end
  end
  return 0
end

function verbs.leave()
  return rcall("HDEL", S .. "workers", ARGV[2])
end
`;
