#!/usr/bin/env bash
# Shows the wall display on a screen of its own. Usage: wall.sh URL
# The URL comes from the server's page of displays and carries the display's own token; it opens nothing else.
set -euo pipefail

url=${1:?usage: wall.sh URL}
[[ $url =~ ^(https?)://([^/:]+)(:([0-9]+))?(/|$) ]] || { echo "wall.sh: not a URL: $url" >&2; exit 2; }
host=${BASH_REMATCH[2]}
port=${BASH_REMATCH[4]:-$([[ ${BASH_REMATCH[1]} == https ]] && echo 443 || echo 80)}

# A browser that starts before the server shows its own error page for ever, so the server is waited for.
until (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null; do sleep 1; done

profile=$(mktemp -d -p "${XDG_RUNTIME_DIR:-/tmp}")
trap 'rm -rf "$profile" || true' EXIT
chromium \
  --kiosk --app="$url" --user-data-dir="$profile" --lang=zh-CN \
  --no-first-run --no-default-browser-check --noerrdialogs --disable-session-crashed-bubble \
  --disable-features=Translate --disable-background-networking --disable-component-update --disable-sync \
  --disable-pinch --overscroll-history-navigation=0 --hide-scrollbars --password-store=basic \
  --autoplay-policy=no-user-gesture-required
