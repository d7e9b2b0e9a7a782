# Sourced by run: Redis, PostgreSQL and RabbitMQ for the tests. Those on the standard ports are taken; where there are none, servers
# of our own are started on free ports, with persistence on, and stopped at the end.

free_port() {
  node_modules/.bin/node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

started=()
stop_servers() {
  for command in "${started[@]+"${started[@]}"}"; do eval "$command" || true; done
}
trap stop_servers EXIT

servers_folder="$(mktemp -d /tmp/afterword-ci-XXXXXX)"
chmod 755 "$servers_folder"
started+=("rm -rf '$servers_folder'")

if redis-cli -h 127.0.0.1 -p 6379 ping >/dev/null 2>&1; then
  echo "Redis: the one on port 6379"
else
  redis_port="$(free_port)"
  mkdir "$servers_folder/redis"
  redis-server --daemonize yes --bind 127.0.0.1 --port "$redis_port" --dir "$servers_folder/redis" --appendonly yes \
    --logfile "$servers_folder/redis/log" >/dev/null
  started=("redis-cli -p $redis_port shutdown nosave" "${started[@]}")
  for _ in $(seq 50); do redis-cli -p "$redis_port" ping >/dev/null 2>&1 && break; sleep 0.1; done
  export AFTERWORD_TEST_REDIS="redis://127.0.0.1:$redis_port"
  echo "Redis: one of our own on port $redis_port"
fi

if psql -h 127.0.0.1 -U postgres -d postgres -c "SELECT 1" >/dev/null 2>&1; then
  echo "PostgreSQL: the one on port 5432"
else
  postgres_bin="$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)"
  postgres_port="$(free_port)"
  as_postgres() { if [ "$(id -u)" = 0 ]; then su postgres -s /bin/bash -c "$1"; else bash -c "$1"; fi; }
  mkdir "$servers_folder/postgres"
  if [ "$(id -u)" = 0 ]; then chown postgres "$servers_folder/postgres"; fi
  as_postgres "'$postgres_bin/initdb' -D '$servers_folder/postgres' -U postgres --auth=trust >/dev/null"
  as_postgres "'$postgres_bin/pg_ctl' -D '$servers_folder/postgres' -w -l '$servers_folder/postgres/log' -o '-p $postgres_port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$servers_folder/postgres -c max_connections=200' start >/dev/null"
  started=("as_postgres \"'$postgres_bin/pg_ctl' -D '$servers_folder/postgres' -m fast stop >/dev/null\"" "${started[@]}")
  export AFTERWORD_TEST_POSTGRES="postgres://postgres@127.0.0.1:$postgres_port/postgres"
  echo "PostgreSQL: one of our own on port $postgres_port"
fi

answers_amqp() {
  node_modules/.bin/node -e 'require("amqplib").connect(process.argv[1], { timeout: 2000 }).then((model) => model.close()).then(() => process.exit(0), () => process.exit(1))' "$1"
}

if answers_amqp amqp://guest:guest@127.0.0.1:5672; then
  echo "RabbitMQ: the one on port 5672"
else
  # The programs on Debian's path want to be run by root or the server's own user.
  rabbitmq_bin="/usr/lib/rabbitmq/bin"
  rabbitmq_port="$(free_port)"
  rabbitmq_folder="$servers_folder/rabbitmq"
  mkdir -p "$rabbitmq_folder/home"
  echo "disk_free_limit.absolute = 1MB" >"$rabbitmq_folder/rabbitmq.conf"
  echo "[]." >"$rabbitmq_folder/plugins"
  touch "$rabbitmq_folder/env.conf"
  # RUNNING_UNDER_SYSTEMD lets the program become the server, so that signals reach it.
  env HOME="$rabbitmq_folder/home" LANG=C.UTF-8 ERL_EPMD_ADDRESS=127.0.0.1 \
    RABBITMQ_NODENAME="afterword-ci-$rabbitmq_port@localhost" RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 \
    RABBITMQ_NODE_PORT="$rabbitmq_port" RABBITMQ_DIST_PORT="$(free_port)" RABBITMQ_CONFIG_FILE="$rabbitmq_folder/rabbitmq" \
    RABBITMQ_CONF_ENV_FILE="$rabbitmq_folder/env.conf" RABBITMQ_ENABLED_PLUGINS_FILE="$rabbitmq_folder/plugins" \
    RABBITMQ_GENERATED_CONFIG_DIR="$rabbitmq_folder/generated" RABBITMQ_MNESIA_BASE="$rabbitmq_folder/data" \
    RABBITMQ_LOG_BASE="$rabbitmq_folder/log" RABBITMQ_PID_FILE="$rabbitmq_folder/pid" RUNNING_UNDER_SYSTEMD=true \
    "$rabbitmq_bin/rabbitmq-server" >"$rabbitmq_folder/out" 2>&1 </dev/null &
  started=("kill $! && wait $!" "${started[@]}")
  export AFTERWORD_TEST_RABBITMQ="amqp://guest:guest@127.0.0.1:$rabbitmq_port"
  for _ in $(seq 60); do answers_amqp "$AFTERWORD_TEST_RABBITMQ" && break; sleep 0.5; done
  echo "RabbitMQ: one of our own on port $rabbitmq_port"
fi
