#!/usr/bin/env bash
# What the tests use of Debian: two browsers that decode H.264 and AAC (Playwright's own do not),
# WordPress's filter of snippets, what archives read pictures' words with, and a synthetic voice.
# As root it is installed. For anyone else it is named, and the tests that need it are skipped; with
# CI=true nothing may be missing.
set -euo pipefail

wanted=()
command -v chromium >/dev/null || wanted+=(chromium)
command -v firefox-esr >/dev/null || wanted+=(firefox-esr)
# Firefox decodes by Debian's library.
{ ldconfig -p 2>/dev/null || /sbin/ldconfig -p; } | grep -q libavcodec || wanted+=(libavcodec-extra)
command -v exiftool >/dev/null || wanted+=(libimage-exiftool-perl)
command -v espeak-ng >/dev/null || wanted+=(espeak-ng)
command -v php >/dev/null || wanted+=(php-cli)
[ -e /usr/share/wordpress/wp-includes/kses.php ] || wanted+=(wordpress)
[ ${#wanted[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing for the tests: ${wanted[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}"
else
  echo "Tests that need Debian's packages ${wanted[*]} cannot run here." >&2
  [ "${CI:-}" != true ]
fi
