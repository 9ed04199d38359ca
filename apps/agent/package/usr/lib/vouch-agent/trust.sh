# shellcheck shell=bash
# Which keys are believed. The roots were pinned when this machine enrolled; they sign trust documents, version after
# version, and a trust document names the keys that sign manifests and the channels' repositories. A version is followed
# when as many of the roots before it, and of its own, signed it as each asks for (The Update Framework's root rotation).

TRUST_TYPE='application/vnd.vouch.trust.v1+json'

# begin_trust ENVELOPE [ROOT-KEY-ID]: at enrolment; with a key id, that root must be the one that signed.
begin_trust() {
  local document="$WORK/trust"
  open_trust "$1" "$document" || return 1
  if [ -n "${2:-}" ] && ! jq -e --arg id "$2" '.roots.keys | any(.keyId == $id)' "$document" > /dev/null; then
    note 'the server does not show the root that was named; nothing is believed'
    return 1
  fi
  signed_by_roots "$document" || { note 'the trust document is not signed by its roots'; return 1; }
  keep_trust "$document"
}

# follow_trust: to the newest version that the server has. A version that cannot be followed is said, and the last good
# one stays in force until it expires.
follow_trust() {
  local envelope="$WORK/trust-envelope.json" document="$WORK/trust" next status
  while :; do
    next=$((TRUST_VERSION + 1))
    status=$(curl --silent --max-time 60 --max-filesize 1048576 --output "$envelope" --write-out '%{http_code}' \
      "$SERVER/device/v1/trust/$next" || true)
    [ "$status" = 200 ] || break
    open_trust "$envelope" "$document" || break
    if [ "$(jq -r .version "$document")" != "$next" ]; then
      note "the server showed a trust document of another version than $next; it is not followed"
      break
    fi
    if ! signed_by_roots "$ETC/trust.json" || ! signed_by_roots "$document"; then
      note "trust document $next is not signed by enough roots; it is not followed"
      break
    fi
    keep_trust "$document"
    read_known
  done
  if [ "$(date --date "$TRUST_EXPIRES" +%s)" -le "$(date +%s)" ]; then
    note 'the trust document has expired; nothing new is installed'
    return 1
  fi
}

# read_envelope ENVELOPE: its type, payload and signatures; believed is nothing yet.
read_envelope() {
  local lines
  mapfile -t lines < <(jq -r 'if ([.payloadType, .payload] | all(type == "string"))
    then .payloadType, .payload, (.signatures[]?.sig | strings) else error("no envelope") end' "$1" 2> /dev/null)
  [ ${#lines[@]} -ge 2 ] || return 1
  ENVELOPE_TYPE=${lines[0]} ENVELOPE_PAYLOAD=${lines[1]} SIGNATURES=("${lines[@]:2}")
}

# unpack_payload OUT: of the envelope that was read. Leaves what its signatures cover in $WORK/signed.
unpack_payload() {
  printf '%s' "$ENVELOPE_PAYLOAD" | base64 --decode > "$1" 2> /dev/null || return 1
  pre_authenticated "$ENVELOPE_TYPE" "$1" > "$WORK/signed"
}

# open_trust ENVELOPE OUT: its payload, when it is one; believed is nothing yet.
open_trust() {
  read_envelope "$1" || { note 'the trust document is no envelope'; return 1; }
  [ "$ENVELOPE_TYPE" = "$TRUST_TYPE" ] || { note "the envelope holds $ENVELOPE_TYPE, not a trust document"; return 1; }
  unpack_payload "$2" || { note 'the trust document is cut off'; return 1; }
  jq -e '(.version | type == "number") and (.expires | type == "string") and (.roots.threshold >= 1) and
    (.roots.keys | length >= 1) and (.keys | type == "array") and (.aptKeyring | type == "string")' "$2" > /dev/null 2>&1 ||
    { note 'the trust document cannot be understood'; return 1; }
}

# signed_by_roots DOCUMENT: did as many different roots of the document sign the envelope that was read as it asks for?
# A root counts once, by the digest of its key, not by the name that it is given.
signed_by_roots() {
  local roots threshold holding='' root digest signature key="$WORK/root.pem"
  mapfile -t roots < <(jq -r '.roots.threshold, (.roots.keys[].publicKeyPem | @base64)' "$1")
  threshold=${roots[0]:-}
  [[ $threshold =~ ^[1-9][0-9]*$ ]] || return 1
  for root in "${roots[@]:1}"; do
    base64 --decode <<< "$root" > "$key"
    digest=$(openssl pkey -pubin -in "$key" -outform DER 2> /dev/null | sha256sum | cut -d' ' -f1)
    for signature in "${SIGNATURES[@]}"; do
      if holds "$signature" "$key"; then holding="$holding$digest"$'\n'; break; fi
    done
  done
  [ "$(printf '%s' "$holding" | sort --unique | wc --lines)" -ge "$threshold" ]
}

# holds SIGNATURE KEY: over $WORK/signed
holds() {
  printf '%s' "$1" | base64 --decode > "$WORK/signature" 2> /dev/null &&
    openssl dgst -sha256 -verify "$2" -signature "$WORK/signature" "$WORK/signed" > /dev/null 2>&1
}

# pre_authenticated TYPE PAYLOAD: what a DSSE signature covers.
pre_authenticated() {
  printf 'DSSEv1 %d %s %d ' "${#1}" "$1" "$(stat --format=%s "$2")"
  cat "$2"
}

# keep_trust DOCUMENT: from here on this one is in force.
keep_trust() {
  jq -j .aptKeyring "$1" > "$ETC/apt-key.asc.part"
  cp "$1" "$ETC/trust.json.part"
  chmod 644 "$ETC/apt-key.asc.part" "$ETC/trust.json.part"
  mv "$ETC/apt-key.asc.part" "$ETC/apt-key.asc"
  mv "$ETC/trust.json.part" "$ETC/trust.json"
}
