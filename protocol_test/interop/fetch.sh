# shellcheck shell=bash
# Fills the scratch folder; servers.sh reads this file. Uses SCRATCH, ROOT, CONF, LOG, say and die from there.

# The release is fixed, whatever the host runs: another one brings other versions, other
# configuration syntax and other EHLO replies.
DEBIAN_RELEASE=bookworm
DEBIAN_MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
DEBIAN_KEYS=/usr/share/keyrings/debian-archive-keyring.gpg

# One line for each run of apt, because the mail servers exclude one another. The pattern stands for
# the packages every Debian system has: Postfix starts through shell scripts that count on them.
PACKAGES=(
	'?essential'
	'postfix libsasl2-modules'
	'exim4-daemon-heavy'
	"opensmtpd/$DEBIAN_RELEASE-backports" # the release's own, 6.8, fails at TLS (OpenSMTPD issue 1171)
	'dovecot-lmtpd dovecot-submissiond'
	'python3-aiosmtpd'
	'curl'
	'swaks libnet-ssleay-perl'
	'msmtp'
	'nodejs'
)

# fetch does everything once, and again only when this file or the list of npm packages has changed.
fetch() {
	local stamp
	stamp=$(cat "$HERE/fetch.sh" "$CONF"/package*.json | sha256sum)
	if [[ -f $SCRATCH/fetched && $(<"$SCRATCH/fetched") == "$stamp" ]]; then
		return
	fi
	[[ -z $(running) ]] || die "fetch: stop the servers first"
	rm -f "$SCRATCH/fetched"
	: >"$SCRATCH/fetch.log"
	step need_tools
	step download
	step unpack
	step fetch_npm
	step make_users
	step make_certificates
	step make_token
	echo "$stamp" >"$SCRATCH/fetched"
}

# step runs one part with its output in fetch.log. The part is a shell of its own, because bash
# ignores set -e in a function whose failure is being tested.
step() {
	local status=0
	say "fetch: ${1//_/ }"
	set +e
	(
		set -e
		"$1"
	) >>"$SCRATCH/fetch.log" 2>&1
	status=$?
	set -e
	((status == 0)) && return
	tail -n 40 "$SCRATCH/fetch.log" >&2
	die "fetch: ${1//_/ } failed; the whole log is $SCRATCH/fetch.log"
}

# need_tools installs the few programs that are used outside the scratch folder and that a bare Debian lacks.
need_tools() {
	local missing=()
	command -v openssl || missing+=(openssl)
	command -v npm || missing+=(npm)
	[[ -f /etc/ssl/certs/ca-certificates.crt ]] || missing+=(ca-certificates) # npm
	[[ -f $DEBIAN_KEYS ]] || missing+=(debian-archive-keyring)
	if ((${#missing[@]})); then
		apt-get -q update
		DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends install "${missing[@]}"
	fi
}

# download fills debs with the packages and all they depend on. apt is shown a machine with nothing
# installed, so the outcome does not depend on the host.
download() {
	local apt=$SCRATCH/apt group options
	# What lies there from another list of packages would be unpacked too.
	rm -rf "$SCRATCH/debs"
	mkdir -p "$apt/lists/partial" "$SCRATCH/debs/partial"
	: >"$apt/status"
	cat >"$apt/debian.sources" <<-EOT
		Types: deb
		URIs: $DEBIAN_MIRROR
		Suites: $DEBIAN_RELEASE $DEBIAN_RELEASE-backports
		Components: main
		Signed-By: $DEBIAN_KEYS
	EOT
	options=(
		-o "Dir::State=$apt" -o "Dir::State::status=$apt/status"
		-o "Dir::Cache=$apt" -o "Dir::Cache::archives=$SCRATCH/debs"
		-o "Dir::Etc::sourcelist=$apt/debian.sources" -o Dir::Etc::sourceparts=/dev/null
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
		-o APT::Sandbox::User=root -o Acquire::Retries=3
	)
	apt-get "${options[@]}" -q update
	for group in "${PACKAGES[@]}"; do
		# shellcheck disable=SC2086 # a group is a list of words
		apt-get "${options[@]}" -qy --no-install-recommends --download-only install $group
	done
}

# unpack builds the folder that becomes / for the servers. No maintainer script runs: what the
# servers need of users, folders and devices is made here.
unpack() {
	local dir deb
	rm -rf "$ROOT"
	# Old packages still ship /bin and /lib; tar writes them through these links.
	mkdir -p "$ROOT"/usr/{bin,sbin,lib,lib64} "$ROOT"/{dev,srv}
	for dir in bin sbin lib lib64; do
		ln -s "usr/$dir" "$ROOT/$dir"
	done
	for deb in "$SCRATCH"/debs/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$ROOT" --keep-directory-symlink \
			--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*'
	done
	# Device nodes of our own, because an ordinary container forbids mounting /dev.
	mknod -m 666 "$ROOT/dev/null" c 1 3
	mknod -m 666 "$ROOT/dev/random" c 1 8
	mknod -m 666 "$ROOT/dev/urandom" c 1 9
	true >"$ROOT/dev/null" || {
		echo "$SCRATCH is mounted nodev; set SANSMTP_INTEROP to a folder elsewhere"
		return 1
	}
	mkdir -p "$ROOT/mail"
	# Exim opens its logs as a user of its own.
	install -d -m 1777 "$LOG"
	ln -sfn root/log "$SCRATCH/log"
}

fetch_npm() {
	local app=$ROOT/srv/smtp-server
	mkdir -p "$app"
	cp "$CONF/package.json" "$CONF/package-lock.json" "$app"
	cd "$app"
	npm ci --ignore-scripts --no-audit --no-fund --cache "$SCRATCH/npm"
}

make_users() {
	local name number rest
	cat >"$ROOT/etc/passwd" <<-EOT
		root:x:0:0::/root:/bin/sh
		postfix:x:12301:12301::/var/spool/postfix:/usr/sbin/nologin
		postdrop:x:12302:12302::/nonexistent:/usr/sbin/nologin
		Debian-exim:x:12303:12303::/var/spool/exim4:/usr/sbin/nologin
		opensmtpd:x:12304:12304::/var/empty:/usr/sbin/nologin
		opensmtpq:x:12305:12305::/var/empty:/usr/sbin/nologin
		dovecot:x:12306:12306::/nonexistent:/usr/sbin/nologin
		dovenull:x:12307:12307::/nonexistent:/usr/sbin/nologin
		mail:x:12308:12308::/mail:/bin/sh
		nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
	EOT
	# A group for each user, of the same name and number.
	while IFS=: read -r name _ number rest; do
		echo "$name:x:$number:"
	done <"$ROOT/etc/passwd" >"$ROOT/etc/group"
	# Names come from this one file: no server asks the world anything.
	echo 'hosts: files' >"$ROOT/etc/nsswitch.conf"
	echo '127.0.0.1 localhost' >"$ROOT/etc/hosts"
	: >"$ROOT/etc/resolv.conf"
}

# make_certificates writes ca.pem and, for the servers, three certificates for localhost: a good one,
# one that is over, and one that the authority did not sign.
make_certificates() {
	local name days tls=$ROOT/etc/tls
	local key=(-newkey rsa:2048 -nodes)
	local san=subjectAltName=DNS:localhost,IP:127.0.0.1
	mkdir -p "$tls"
	openssl req -x509 "${key[@]}" -keyout "$SCRATCH/ca.key" -out "$SCRATCH/ca.pem" -days 3650 \
		-subj '/CN=sansmtp interop CA' -addext keyUsage=critical,keyCertSign
	openssl req -x509 "${key[@]}" -keyout "$tls/untrusted.key" -out "$tls/untrusted.pem" -days 3650 \
		-subj /CN=localhost -addext "$san"
	for name in server expired; do
		days=3650
		[[ $name == server ]] || days=-1
		openssl req "${key[@]}" -keyout "$tls/$name.key" -subj /CN=localhost |
			openssl x509 -req -CA "$SCRATCH/ca.pem" -CAkey "$SCRATCH/ca.key" -CAcreateserial \
				-days "$days" -extfile <(echo "$san") -out "$tls/$name.pem"
	done
	# OpenSMTPD wants a list of authorities before it starts.
	install -m 644 "$SCRATCH/ca.pem" "$ROOT/etc/ssl/certs/ca-certificates.crt"
	# Some servers read their key after they have given up root. It guards nothing.
	chmod 644 "$tls"/*.key
}

# make_token writes the bearer token that Dovecot accepts: a JWT (RFC 7519) for user, under HMAC-SHA-256
# with the key that Dovecot looks up on disk.
make_token() {
	local head claims keys=$ROOT/etc/dovecot/token/default/HS256
	local secret=sansmtp-interop
	head=$(base64url <<<'{"alg":"HS256","typ":"JWT"}')
	claims=$(base64url <<<"{\"sub\":\"user\",\"email\":\"user\",\"iat\":$(date +%s),\"exp\":$(date -d '+10 years' +%s)}")
	mkdir -p "$keys"
	printf %s "$secret" | base64 -w0 >"$keys/default"
	printf '%s.%s.%s' "$head" "$claims" \
		"$(printf %s "$head.$claims" | openssl dgst -sha256 -hmac "$secret" -binary | base64url)" >"$SCRATCH/token"
}

base64url() { base64 -w0 | tr -d = | tr +/ -_; }
