/** Jobs that wait for other jobs. BullMQ's flows give each child one parent; ours may have many, and other ends. */
export const parts = /* lua */ `
local partFailed = "chord_part_failed"

local function withResults(args, after, results)
  if after.pass == "nothing" then return args end
  local texts = {}
  for index, id in ipairs(after.ids) do texts[index] = results[id] or "null" end
  local first = after.pass == "result" and (texts[1] or "null") or ("[" .. table.concat(texts, ",") .. "]")
  local rest = string.match(args, "^%s*%[%s*(.-)%s*%]%s*$")
  return rest == "" and ("[" .. first .. "]") or ("[" .. first .. "," .. rest .. "]")
end

local function describe(id, part)
  if not part then return "job " .. id .. " is not known, or not any more" end
  local ok, error = pcall(cjson.decode, part.error or "null")
  local why = ok and type(error) == "table" and error.message or part.reason
  return 'job ' .. id .. ' of task "' .. part.name .. '" ended as ' .. part.state .. (why and (": " .. why) or "")
end

local function failByPart(job, id, part)
  if part and part.isForgotten then part = nil end
  if part and not part.error then part.error = rcall("HGET", part.key, "error") or nil end
  local message
  local ok, error = pcall(cjson.decode, part and part.error or "null")
  -- A part that has failed because of another names that one: the message does not grow along a chain.
  if ok and type(error) == "table" and error.code == partFailed then message = error.message
  else message = "It waited for others, and " .. describe(id, part) .. "." end
  local text = cjson.encode({ name = "ChordPartFailed", code = partFailed, message = message })
  A.finish(job, { status = "failed", error = text, message = message, partFailed = true })
end

local function goOn(job, after)
  local flat = rcall("HGETALL", S .. "parts:" .. job.id)
  local results = {}
  for index = 1, #flat, 2 do results[flat[index]] = flat[index + 1] end
  for _, id in ipairs(after.ids) do if not results[id] then return end end
  local args = rcall("HGET", job.key, "data")
  rcall("HSET", job.key, "data", withResults(args, after, results))
  rcall("HDEL", job.key, "parked")
  rcall("DEL", S .. "parts:" .. job.id)
  rcall("ZREM", job.base .. "waiting-children", job.id)
  A.ready(job, now + (A.settings(job).delayMs or 0))
end

-- Lets a job that waits for others find out how they are.
function A.await(job)
  local after = A.settings(job).after
  local dead, deadPart
  for _, id in ipairs(after.ids) do
    if rcall("HEXISTS", S .. "parts:" .. job.id, id) == 0 then
      local part = A.load(id)
      if not part then return failByPart(job, id, nil) end
      if part.state == "succeeded" then
        rcall("HSET", S .. "parts:" .. job.id, id, rcall("HGET", part.key, "returnvalue"))
      else
        rcall("SADD", S .. "waiting:" .. id, job.id)
        rcall("HSET", part.key, "awaited", "1")
        if finals[part.state] and not dead then
          dead = id
          deadPart = part
        end
      end
    end
  end
  if dead then return failByPart(job, dead, deadPart) end
  goOn(job, after)
end

function A.isWaiting(job)
  return job ~= nil and job.parked ~= nil and job.state == "scheduled"
end

-- Tells those that wait for jobs which have ended; some of them end in their turn. A list and no recursion: chains can be long.
function A.settle()
  local index = 1
  while index <= #untold do
    local part = untold[index]
    index = index + 1
    local key = S .. "waiting:" .. part.id
    for _, id in ipairs(rcall("SMEMBERS", key)) do
      local job = A.load(id)
      if A.isWaiting(job) then
        if part.state == "succeeded" and not part.isForgotten then
          rcall("HSET", S .. "parts:" .. id, part.id, part.result)
          goOn(job, A.settings(job).after)
        else
          failByPart(job, part.id, part)
        end
      end
    end
    -- What has succeeded stays so; another end may be undone.
    if part.state == "succeeded" or part.isForgotten then rcall("DEL", key) end
  end
  untold = {}
end
`;
