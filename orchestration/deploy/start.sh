#!/usr/bin/env bash
# The production profile of docs/operations.md on a machine without systemd: the commands of systemd/*.service, started together and ended together.
# Wants ALUMINA_HOME, DAGSTER_HOME, ALUMINA_POSTGRES_URL. ALUMINA_PORTS="4266 3000 3001 4267" are those of code location, operators, viewers and the code location for ranges of the past.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
for name in ALUMINA_HOME DAGSTER_HOME ALUMINA_POSTGRES_URL; do
  [ -n "${!name:-}" ] || { echo "alumina: $name is not set; docs/operations.md says what belongs there" >&2; exit 1; }
done
for path in "$project" "$DAGSTER_HOME"; do
  case $path in # the commands of the units are taken apart at their blanks, and sed reads the rest in its own way
    *[[:space:]\#\&\\\*\?\[\;]*) echo "alumina: the path $path holds a character that systemd's commands cannot hand on; choose a folder without blanks and # & \\ * ? [ ;" >&2; exit 1 ;;
  esac
done
read -r code web view ranges <<< "${ALUMINA_PORTS:-4266 3000 3001}"
ports="$code $web $view ${ranges:=4267}" # who upgrades may name three
if ! [[ $ports =~ ^[0-9]+(\ [0-9]+){3}$ ]] || [ -n "$(tr ' ' '\n' <<< "$ports" | sort -n | uniq -d)" ]; then
  echo "alumina: ALUMINA_PORTS gives '$ports'; it takes four ports that differ, as in '4266 3000 3001 4267': code location, operators, viewers, ranges of the past" >&2
  exit 1
fi
mkdir -p "$DAGSTER_HOME"
cp "$here/dagster.yaml" "$DAGSTER_HOME/"
workspace=$DAGSTER_HOME/workspace.yaml
sed "s/4266/@code/; s/4267/@ranges/; s/@code/$code/; s/@ranges/$ranges/" "$here/workspace.yaml" > "$workspace" # by a mark: a port may be one of those replaced
export DAGSTER_DISABLE_TELEMETRY=1 DAGSTER_EVENT_BATCH_SIZE=1000 DO_NOT_TRACK=1 GX_ANALYTICS_ENABLED=false
cd "$project"

of() { # SERVICE KEY: the command of a unit, for this folder and these ports
  sed -n "s#^$2=##p" "$here/systemd/alumina-$1.service" | sed "s#/opt/alumina/orchestration/deploy/workspace.yaml#$workspace#;
    s#/opt/alumina/#$project/#g; s/--port 4266/--port @code/; s/--port 4267/--port @ranges/; s/--port 3000/--port @web/; s/--port 3001/--port @view/
    s/@code/$code/; s/@ranges/$ranges/; s/@web/$web/; s/@view/$view/"
}
running=()
stop() { # The code location waits for a run at work; who does not wait so long kills it, and the next run heals what was cut off.
  trap - EXIT INT TERM
  kill "${running[@]}" 2> /dev/null || true
  for _ in $(seq 20); do kill -0 "${running[@]}" 2> /dev/null || break; sleep 1; done
  kill -KILL "${running[@]}" 2> /dev/null || true
  wait
}
trap stop EXIT
trap 'exit 0' INT TERM
begin() { echo "alumina: $1"; $(of "$1" ExecStart) & running+=($!); }

$(of code ExecStartPre)
begin code
begin ranges
for port in "$code" "$ranges"; do
  until "$project/.venv/bin/python" -m dagster api grpc-health-check -p "$port" > /dev/null 2>&1; do
    for process in "${running[@]}"; do
      kill -0 "$process" 2> /dev/null || { echo "alumina: a code location ended by itself; what it said stands above" >&2; exit 1; }
    done
    sleep 1
  done
done
begin web
begin view
begin daemon
# As soon as one ends, all do: who supervises the script starts it again. Under systemd each is started again by itself.
ended=0
wait -n || ended=$?
echo "alumina: one of the processes ended (exit code $ended); what it said stands above" >&2
exit 1
