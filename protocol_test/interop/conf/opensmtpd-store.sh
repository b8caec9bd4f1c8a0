#!/bin/sh
# The mail delivery agent of OpenSMTPD: standard input becomes one file. Moving it into place last
# keeps a half-written message out of a reader's sight.
set -eu
cd /mail/opensmtpd
file=$(mktemp tmp/XXXXXXXX)
cat >"$file"
chmod 644 "$file"
mv "$file" new/
