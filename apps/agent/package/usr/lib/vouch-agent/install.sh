# shellcheck shell=bash
# Installing what the manifest approves: exactly those files, then a look at the machine, then the report.

# Only the channel's own repository, with its own lists and archives, apart from the machine's own apt. What a package
# starts must not inherit the lock (descriptor 9).
channel_apt() {
  DEBIAN_FRONTEND=noninteractive timeout 1800 apt-get --yes --quiet \
    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$ETC/apt.d" \
    -o Dir::State::lists="$CACHE/lists" -o Dir::Cache::archives="$CACHE/archives" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
    -o APT::Get::AllowUnauthenticated=false -o APT::Install-Recommends=false -o Dpkg::Use-Pty=0 \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" 9>&-
}

# apply_manifest MANIFEST: one that fetch_manifest has verified.
apply_manifest() {
  local manifest=$1 entry="$WORK/entry.json" index
  write_sources
  for index in "${CONCERNING[@]}"; do
    jq ".entries[$index]" "$manifest" > "$entry"
    apply_entry "$entry" "$MANIFEST_VERSION" "$MANIFEST_IN_RELEASE"
  done
}

write_sources() {
  mkdir -p "$ETC/apt.d" "$CACHE/lists" "$CACHE/archives"
  chmod 755 "$ETC/apt.d" "$CACHE" "$CACHE/lists" "$CACHE/archives"
  printf '%s\n' 'Types: deb' "URIs: $SERVER/apt/$MANIFEST_CHANNEL" "Suites: $MANIFEST_SUITE" \
    "Components: $MANIFEST_COMPONENT" "Signed-By: $ETC/apt-key.asc" 'Check-Valid-Until: yes' 'Check-Date: yes' \
    > "$ETC/apt.d/vouch.sources"
  chmod 644 "$ETC/apt.d/vouch.sources"
}

# apply_entry ENTRY CHANNEL-VERSION INRELEASE-SHA256
apply_entry() {
  local entry=$1 channel_version=$2 in_release=$3 now
  now=$(date +%s)
  [ "$(date --date "$(jq -er .notBefore "$entry")" +%s)" -le "$now" ] || return 0
  [ "$(date --date "$(jq -er .expires "$entry")" +%s)" -gt "$now" ] || return 0
  compare "$entry"
  if [ ${#WANTED[@]} -gt 0 ]; then
    if ! went_wrong_before "$entry" "$channel_version"; then
      install_packages "$entry" "$channel_version" "$in_release" "${WANTED[@]}"
    fi
  elif [ "$INSTALLED_HERE" = 1 ] && [ ! -e "$STATE/reported/$(jq -r .revisionId "$entry").json" ]; then
    outcome "$entry" "$channel_version" installed true '[]' 'It was installed before.'
  fi
}

# compare ENTRY: the packages that are older here, in WANTED, and in INSTALLED_HERE whether one has exactly its version.
compare() {
  local name version have
  WANTED=() INSTALLED_HERE=0
  while IFS=$'\t' read -r name version; do
    have=$(dpkg-query --show --showformat='${db:Status-Status} ${Version}' "$name" 2> /dev/null || true)
    [ "${have%% *}" = installed ] || continue
    if dpkg --compare-versions "${have#* }" eq "$version"; then INSTALLED_HERE=1; fi
    if dpkg --compare-versions "${have#* }" lt "$version"; then WANTED+=("$name=$version"); fi
  done < <(jq -r '.artefacts[] | [.package, .version] | @tsv' "$1")
}

# What failed or was refused here is not tried again before the channel has changed.
went_wrong_before() {
  local revision report
  revision=$(jq -r .revisionId "$1")
  for report in "$STATE/outcomes/$revision.json" "$STATE/reported/$revision.json"; do
    [ -e "$report" ] || continue
    if jq -e --argjson version "$2" '.result != "installed" and .channelVersion >= $version' "$report" > /dev/null; then
      return 0
    fi
  done
  return 1
}

# install_packages ENTRY CHANNEL-VERSION INRELEASE-SHA256 PACKAGE=VERSION...
install_packages() {
  local entry=$1 channel_version=$2 in_release=$3 log="$WORK/apt.log" file digest
  shift 3
  if ! channel_apt update > "$log" 2>&1 || grep -q '^[EW]:' "$log"; then
    note "the channel's repository was not accepted by apt: $(grep '^[EW]:' "$log" | head -n 1)"
    return 0
  fi
  # Manifest and repository are published one after the other: between the two, wait for the next look.
  digest=$(cat "$CACHE"/lists/*_InRelease 2> /dev/null | sha256sum | cut -d' ' -f1)
  if [ "$digest" != "$in_release" ]; then
    note 'manifest and repository are not of one version yet; looking again soon'
    return 0
  fi
  rm -f "$CACHE"/archives/*.deb
  if ! channel_apt install --only-upgrade --download-only "$@" > "$log" 2>&1; then
    outcome "$entry" "$channel_version" refused true '[]' "apt cannot install exactly the approved files: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log")"
    return 0
  fi
  for file in "$CACHE"/archives/*.deb; do
    digest=$(sha256sum < "$file" | cut -d' ' -f1)
    if ! jq -e --arg digest "$digest" 'any(.artefacts[]; .sha256 == $digest)' "$entry" > /dev/null; then
      rm -f "$CACHE"/archives/*.deb
      outcome "$entry" "$channel_version" refused true '[]' "$(basename "$file") has SHA-256 $digest, which is not approved; nothing was installed."
      return 0
    fi
  done
  TOUCHED=1
  begin "$entry" "$channel_version"
  # From here on it is finished, also when the machine is being shut down.
  trap '' TERM
  if channel_apt install --only-upgrade --no-download "$@" > "$log" 2>&1; then
    conclude ''
  else
    conclude "apt failed: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log")"
  fi
  trap - TERM
}

# health BEFORE: what ran before must run now; what was open before must be open now. Services get half a minute to come back.
health() {
  local before=$1 service port i
  for ((i = 0; i < 30; i++)); do
    running_services > "$WORK/services.after"
    listening_ports > "$WORK/ports.after"
    if [ -z "$(comm -23 "$before/services" "$WORK/services.after")$(comm -23 <(sort "$before/ports") <(sort "$WORK/ports.after"))" ]; then break; fi
    ! machine_stops || break
    sleep 1
  done
  {
    while read -r service; do probe "service $service runs" grep -qxF "$service" "$WORK/services.after"; done < "$before/services"
    while read -r port; do probe "port $port is open" grep -qx "$port" "$WORK/ports.after"; done < "$before/ports"
    probe 'no package is half installed' test -z "$(dpkg --audit)"
  } | jq --slurp .
}

# probe NAME COMMAND...
probe() {
  local name=$1 ok=true
  shift
  "$@" || ok=false
  jq --null-input --compact-output --arg name "$name" --argjson ok "$ok" '{name: $name, ok: $ok, detail: ""}'
}

# outcome ENTRY CHANNEL-VERSION RESULT HEALTHY PROBES DETAIL: kept until the server has taken it.
outcome() {
  local revision file
  revision=$(jq -er .revisionId "$1")
  mkdir -p "$STATE/outcomes"
  file="$STATE/outcomes/$revision.json"
  installed_packages > "$WORK/packages"
  jq --compact-output --rawfile here "$WORK/packages" --argjson channelVersion "$2" --arg result "$3" --argjson healthy "$4" --argjson probes "$5" --arg detail "${6:0:3000}" '
    ($here | split("\n") | map(split("\t")[:2] | join(" "))) as $here |
    {revisionId, channelVersion: $channelVersion, result: $result, healthy: $healthy, probes: $probes, detail: $detail,
     installed: (if $result == "installed" then [.artefacts[] | select(any($here[] == "\(.package) \(.version)"; .)) | {package, version, sha256}] else [] end)}' "$1" > "$file.part"
  mv "$file.part" "$file"
  note "$(jq -r '"\(.patch) \(.version)"' "$1"): $3${6:+, $6}"
}

send_outcomes() {
  local file status
  mkdir -p "$STATE/reported"
  for file in "$STATE"/outcomes/*.json; do
    [ -e "$file" ] || continue
    status=$(signed POST /device/v1/outcomes "$file" "$WORK/answer")
    case $status in
      204) mv "$file" "$STATE/reported/" ;;
      400 | 409 | 422)
        note "the server does not take the report on $(basename "$file" .json): $(problem "$WORK/answer" "$status")"
        mv "$file" "$STATE/reported/"
        ;;
      *) note "a report waits to be sent: $(problem "$WORK/answer" "$status")" ;;
    esac
  done
}
