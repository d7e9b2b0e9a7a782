/** The verbs of {@link RedisMailbox}, for the script. */
export const mailboxVerbs: string = `
-- set of the exchange, lease, members ...: nodes that listen. Those that have fallen silent are taken from it (kombu#1063).
function verbs.join()
  local set, at = ARGV[2], now()
  for member = 4, #ARGV do
    redis.call('SADD', set, ARGV[member])
    redis.call('ZADD', 'afterword-nodes', at + ARGV[3], ARGV[member])
  end
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', 'afterword-nodes', '-inf', at)) do
    redis.call('SREM', set, member)
    redis.call('ZREM', 'afterword-nodes', member)
  end
  return 1
end

-- set of the exchange, members ...
function verbs.part()
  for member = 3, #ARGV do
    redis.call('SREM', ARGV[2], ARGV[member])
    redis.call('ZREM', 'afterword-nodes', ARGV[member])
  end
  return 1
end

-- channel, text
function verbs.publish()
  return redis.call('PUBLISH', ARGV[2], ARGV[3])
end

-- set of the exchange, what members for the routing key begin with, seconds, text: who does not come for it leaves nothing behind
function verbs.reply()
  local start, seconds, text = ARGV[3], ARGV[4], ARGV[5]
  for _, member in ipairs(redis.call('SMEMBERS', ARGV[2])) do
    if string.sub(member, 1, #start) == start then
      local queue = string.match(member, '\\6\\022([^\\6]*)$')
      redis.call('LPUSH', queue, text)
      redis.call('EXPIRE', queue, seconds)
    end
  end
  return 1
end
`;
