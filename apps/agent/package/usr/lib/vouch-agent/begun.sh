# shellcheck shell=bash
# An installation that has begun: what the machine was before it is kept until its outcome is known, also over a restart.
# What a shutdown or a loss of power stops is not the patch's doing, and what it hides is not health.

# begin ENTRY CHANNEL-VERSION
begin() {
  local part="$STATE/begun.part"
  rm -rf "$part" "$STATE/begun"
  mkdir "$part"
  cp "$1" "$part/entry.json"
  printf '%s' "$2" > "$part/channel-version"
  running_services > "$part/services"
  listening_ports > "$part/ports"
  sync "$part"/*
  mv "$part" "$STATE/begun"
  sync "$STATE"
}

# conclude FAILURE: reports how it went, FAILURE being why it is not installed. While the machine stops, nothing is judged.
conclude() {
  local failure=$1 begun="$STATE/begun" version healthy=true
  version=$(cat "$begun/channel-version")
  health "$begun" > "$WORK/probes.json"
  if machine_stops; then
    note 'the machine is being shut down: what was installed is judged after its next start'
    return 0
  fi
  jq -e 'all(.ok)' "$WORK/probes.json" > /dev/null || healthy=false
  if [ -n "$failure" ]; then
    outcome "$begun/entry.json" "$version" failed "$healthy" "$(cat "$WORK/probes.json")" "$failure"
  elif [ "$healthy" = true ]; then
    outcome "$begun/entry.json" "$version" installed true "$(cat "$WORK/probes.json")" ''
  else
    outcome "$begun/entry.json" "$version" installed false "$(cat "$WORK/probes.json")" "After it: $(jq -r 'map(select(.ok | not) | .name) | join(", ")' "$WORK/probes.json")"
  fi
  rm -rf "$begun"
}

# finish_begun: what a restart interrupted is brought to an end, and judged by what the machine was before it.
finish_begun() {
  local failure='' begun="$STATE/begun"
  [ -d "$begun" ] || return 0
  trap '' TERM
  if [ -n "$(dpkg --audit)" ]; then
    DEBIAN_FRONTEND=noninteractive timeout 1800 dpkg --force-confdef --force-confold --configure -a > "$WORK/dpkg.log" 2>&1 9>&- || true
    [ -z "$(dpkg --audit)" ] || failure="It was interrupted, and dpkg could not finish it: $(tail -n 1 "$WORK/dpkg.log")"
  fi
  compare "$begun/entry.json"
  if [ -z "$failure" ] && [ "$INSTALLED_HERE" = 0 ]; then
    # It had not come to that: it is installed as if for the first time.
    rm -rf "$begun"
  else
    [ -n "$failure" ] || [ ${#WANTED[@]} = 0 ] || failure="It was interrupted: ${WANTED[*]} is not installed."
    conclude "$failure"
  fi
  trap - TERM
}

machine_stops() { [ "$(systemctl is-system-running 2> /dev/null || true)" = stopping ]; }
