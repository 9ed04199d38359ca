# shellcheck shell=bash
# The channel's manifest: a DSSE envelope (v1.0.2) around canonical JSON. Nothing in it is believed before its signature
# holds with a key of the trust document, its version has not gone back, and it has not expired.

MANIFEST_TYPE='application/vnd.vouch.channel-manifest.v1+json'

# fetch_manifest OUT: writes the verified manifest, or says why there is none and returns 1.
fetch_manifest() {
  local envelope="$STATE/envelope.json" fresh="$WORK/envelope.json" headers="$WORK/headers" status etag=()
  : > "$WORK/empty"
  : > "$headers"
  [ -s "$STATE/etag" ] && [ -s "$envelope" ] && etag=(--header "if-none-match: $(cat "$STATE/etag")")
  status=$(signed GET /device/v1/manifest "$WORK/empty" "$fresh" --dump-header "$headers" "${etag[@]}")
  rm -f "$STATE/retry-after"
  case $status in
    200) ;;
    304) cp "$envelope" "$fresh" ;;
    *)
      sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9]\{1,6\}\)[[:cntrl:]]*$/\1/p' "$headers" > "$STATE/retry-after"
      note "no manifest: $(problem "$fresh" "$status")"
      return 1
      ;;
  esac
  verify_manifest "$fresh" "$1" || return 1
  if [ "$status" = 200 ]; then
    cp "$fresh" "$envelope"
    sed -n 's/^[Ee][Tt][Aa][Gg]: *\([^[:cntrl:]]*\).*/\1/p' "$headers" > "$STATE/etag"
  fi
}

# verify_manifest ENVELOPE OUT: leaves what is needed of it in MANIFEST_... and CONCERNING.
verify_manifest() {
  local out=$2 payload="$WORK/payload" facts version seen expires channel
  read_envelope "$1" || { note 'the manifest is no envelope; nothing is installed'; return 1; }
  if [ "$ENVELOPE_TYPE" != "$MANIFEST_TYPE" ]; then
    note "the envelope holds $ENVELOPE_TYPE, not a manifest; nothing is installed"
    return 1
  fi
  unpack_payload "$payload" || { note 'the manifest is cut off; nothing is installed'; return 1; }
  if ! signed_by_trusted_key; then
    note 'the manifest is not signed with a trusted key; nothing is installed'
    return 1
  fi
  mapfile -t facts < <(manifest_facts "$payload")
  channel=${facts[0]:-} version=${facts[1]:-}
  [[ $channel =~ ^[0-9a-f-]{36}$ && $version =~ ^[0-9]+$ ]] || { note 'the manifest names no channel or version; nothing is installed'; return 1; }
  mkdir -p "$STATE/versions"
  seen=$(cat "$STATE/versions/$channel" 2> /dev/null || printf 0)
  if [ "$version" -lt "$seen" ]; then
    note "the manifest went back from version $seen to $version; nothing is installed"
    return 1
  fi
  expires=$(date --date "${facts[2]:-}" +%s 2> /dev/null) || expires=0
  if [ "$expires" -le "$(date +%s)" ]; then
    note 'the manifest has expired; nothing new is installed'
    return 1
  fi
  printf '%s' "$version" > "$STATE/versions/$channel"
  MANIFEST_CHANNEL=$channel MANIFEST_VERSION=$version MANIFEST_SUITE=${facts[3]:-} MANIFEST_COMPONENT=${facts[4]:-}
  MANIFEST_IN_RELEASE=${facts[5]:-} CONCERNING=("${facts[@]:6}")
  cp "$payload" "$out"
}

# One of the envelope's signatures must hold with a key that may sign manifests now.
signed_by_trusted_key() {
  local signature encoded key="$WORK/manifest-key.pem"
  for encoded in "${MANIFEST_KEYS[@]}"; do
    base64 --decode <<< "$encoded" > "$key"
    for signature in "${SIGNATURES[@]}"; do
      if holds "$signature" "$key"; then return 0; fi
    done
  done
  return 1
}

# manifest_facts PAYLOAD: channel, version, end, suite, component and digest of its repository; then the numbers of the
# entries for packages that are installed here, but for those that are installed in just that version and reported.
# Mostly there are none, and nothing more has to be looked at.
manifest_facts() {
  mkdir -p "$STATE/reported"
  ls "$STATE/reported" > "$WORK/reported"
  jq -r --rawfile here "$WORK/packages" --rawfile reported "$WORK/reported" '
    ($here | split("\n") | map(split("\t") | select(length > 1) | {key: .[0], value: .[1]}) | from_entries) as $here |
    ($reported | split("\n") | map({key: ., value: true}) | from_entries) as $reported |
    .channelId, .version, .expires, .apt.suite, .apt.component, .apt.inReleaseSha256, (
      .entries | to_entries[] |
      select(any(.value.artefacts[]; $here[.package])) |
      select(($reported["\(.value.revisionId).json"] | not) or
        any(.value.artefacts[]; $here[.package] and $here[.package] != .version)) |
      .key)' "$1"
}

# note SENTENCE: said now, and kept for `vouch-agent status`.
note() {
  say "$1"
  printf '%s %s\n' "$(date --utc +%FT%TZ)" "$1" > "$STATE/last"
}
