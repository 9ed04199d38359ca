# shellcheck shell=bash
# Talking to the server. Every request after enrolment is signed with this machine's own key.

# The longest answer that is taken, in bytes.
ANSWER_LIMIT=33554432

# plain_post URL BODY ANSWER: an unsigned request, prints the status (000 when nobody answered).
plain_post() {
  curl --silent --show-error --max-time 60 --max-filesize "$ANSWER_LIMIT" --output "$3" --write-out '%{http_code}' \
    --header 'content-type: application/json' --data-binary "@$2" "$1" || true
}

# signed METHOD PATH BODY ANSWER [CURL-OPTION...]: prints the status (000 when nobody answered).
signed() {
  local method=$1 path=$2 body=$3 answer=$4
  shift 4
  local timestamp nonce digest signature
  timestamp=$(date +%s)
  nonce=$(openssl rand -hex 16)
  digest=$(sha256sum < "$body" | cut -d' ' -f1)
  signature=$(printf '%s\n%s\n%s\n%s\n%s' "$method" "$path" "$timestamp" "$nonce" "$digest" |
    openssl dgst -sha256 -sign "$STATE/device.key" | base64 --wrap=0)
  local content=()
  [ -s "$body" ] && content=(--header 'content-type: application/json' --data-binary "@$body")
  curl --silent --show-error --max-time 60 --max-filesize "$ANSWER_LIMIT" --output "$answer" --write-out '%{http_code}' \
    --request "$method" "${content[@]}" "$@" \
    --header "x-vouch-device: $TENANT_ID.$DEVICE_ID" --header "x-vouch-timestamp: $timestamp" \
    --header "x-vouch-nonce: $nonce" --header "x-vouch-content-sha256: $digest" \
    --header "x-vouch-signature: $signature" "$SERVER$path" || true
}

# problem ANSWER STATUS: the server's own words for what went wrong.
problem() {
  if [ "$2" = 000 ]; then
    printf 'nobody answered'
  else
    jq -er .detail "$1" 2> /dev/null || printf 'it answered %s' "$2"
  fi
}
