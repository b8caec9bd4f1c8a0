#!/bin/bash
# Real SMTP and LMTP servers for tests, on loopback. README.md says what each of them does.
#
#   servers.sh fetch             download and unpack everything into the scratch folder
#   servers.sh start [NAME...]   start the named servers, or all; returns when each has answered 220
#   servers.sh stop              end every process that start began
#   servers.sh list              one line a server: its name, and its process id or "-"
#
# The scratch folder is $SANSMTP_INTEROP, by default ${TMPDIR:-/tmp}/sansmtp-interop.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CONF=$HERE/conf
SCRATCH=$(realpath -ms "${SANSMTP_INTEROP:-${TMPDIR:-/tmp}/sansmtp-interop}")
ROOT=$SCRATCH/root # what the servers see as /
LOG=$ROOT/log
SOCKET=$ROOT/run/dovecot/lmtp
RUN=$SCRATCH/run # NAME.pid: process id and start time
SERVERS=(dovecot postfix exim opensmtpd aiosmtpd smtp-server postfix-relay exim-relay)
START_SECONDS=30
STOP_SECONDS=10

say() { printf 'servers.sh: %s\n' "$*" >&2; }
die() {
	say "$@"
	exit 1
}

# shellcheck source=fetch.sh
. "$HERE/fetch.sh"

ports() {
	case $1 in
	dovecot) echo 2560 2561 ;;
	postfix) echo 2525 2526 ;;
	exim) echo 2530 2532 2533 ;;
	opensmtpd) echo 2550 ;;
	aiosmtpd) echo 2540 ;;
	smtp-server) echo 2541 2542 ;;
	postfix-relay) echo 2570 ;;
	exim-relay) echo 2571 ;;
	esac
}

# tls_ports: where TLS comes before the 220, so that start does not wait for it there.
tls_ports() {
	case $1 in
	dovecot) echo 2562 ;;
	postfix) echo 2527 ;;
	exim) echo 2531 ;;
	opensmtpd) echo 2551 ;;
	esac
}

# write_env tells tests, in KEY=VALUE lines, where everything is.
write_env() {
	cat >"$SCRATCH/env" <<-EOT
		ROOT=$ROOT
		CA=$SCRATCH/ca.pem
		CERTIFICATE=$ROOT/etc/tls/server.pem
		KEY=$ROOT/etc/tls/server.key
		LOG=$LOG
		LOGIN_USER=user
		LOGIN_PASSWORD=pass
		LOGIN_TOKEN=$(<"$SCRATCH/token")
		POSTFIX=127.0.0.1:2525
		POSTFIX_STRICT=127.0.0.1:2526
		POSTFIX_TLS=127.0.0.1:2527
		POSTFIX_STORE=$ROOT/mail/dovecot
		EXIM=127.0.0.1:2530
		EXIM_TLS=127.0.0.1:2531
		EXIM_EXPIRED=127.0.0.1:2532
		EXIM_UNTRUSTED=127.0.0.1:2533
		EXIM_STORE=$ROOT/mail/exim
		OPENSMTPD=127.0.0.1:2550
		OPENSMTPD_TLS=127.0.0.1:2551
		OPENSMTPD_STORE=$ROOT/mail/opensmtpd
		AIOSMTPD=127.0.0.1:2540
		AIOSMTPD_STORE=$ROOT/mail/aiosmtpd
		SMTP_SERVER=127.0.0.1:2541
		SMTP_SERVER_LMTP=127.0.0.1:2542
		SMTP_SERVER_STORE=$ROOT/mail/smtp-server
		DOVECOT_LMTP=127.0.0.1:2560
		DOVECOT_LMTP_SOCKET=$SOCKET
		DOVECOT_SUBMISSION=127.0.0.1:2561
		DOVECOT_SUBMISSION_TLS=127.0.0.1:2562
		DOVECOT_STORE=$ROOT/mail/dovecot
		POSTFIX_RELAY=127.0.0.1:2570
		EXIM_RELAY=127.0.0.1:2571
		RELAYS_TO=127.0.0.1:2590
		RELAYS_TO_TLS=127.0.0.1:2591
	EOT
}

start() {
	local name names=("$@")
	[[ -f $SCRATCH/fetched ]] || die "start: $SCRATCH is empty; run fetch first"
	((${#names[@]})) || names=("${SERVERS[@]}")
	for name in "${names[@]}"; do
		[[ " ${SERVERS[*]} " == *" $name "* ]] || die "start: no server is called $name; there are ${SERVERS[*]}"
	done
	# Postfix delivers to Dovecot and asks it about passwords.
	if [[ " ${names[*]} " == *' postfix '* ]]; then
		names=(dovecot "${names[@]}")
	fi
	mkdir -p "$RUN"
	write_env
	install -m 644 "$CONF/client_smtplib.py" "$ROOT/srv/"
	install -m 644 "$CONF/client_nodemailer.js" "$ROOT/srv/smtp-server/"
	for name in "${names[@]}"; do
		start_one "$name"
	done
	for name in "${names[@]}"; do
		await "$name"
	done
}

# start_one starts with nothing kept from an earlier run: no mail, no queue, no log.
start_one() {
	local port
	[[ -z $(processes "$1") ]] || return 0
	for port in $(ports "$1") $(tls_ports "$1"); do
		if listening "$port"; then
			die "start $1: port $port is taken"
		fi
	done
	rm -rf "$ROOT/mail/$1"
	rm -f "$LOG/$1".*
	"start_${1//-/_}"
}

start_dovecot() {
	install -m 644 "$CONF"/dovecot*.conf "$ROOT/etc/dovecot/"
	echo 'user:{PLAIN}pass' >"$ROOT/etc/dovecot/logins"
	printf '%s::::::\n' ok ok2 >"$ROOT/etc/dovecot/recipients"
	inside install -d -o mail -g mail /mail/dovecot
	launch dovecot root dovecot -F
}

start_postfix() {
	rm -rf "$ROOT/var/spool/postfix" "$ROOT/var/lib/postfix"
	install -m 644 "$CONF/postfix-main.cf" "$ROOT/etc/postfix/main.cf"
	install -m 644 "$CONF/postfix-master.cf" "$ROOT/etc/postfix/master.cf"
	install -m 644 "$CONF/postfix-recipients" "$ROOT/etc/postfix/recipients"
	mkdir -p "$ROOT/var/spool/postfix"
	inside install -d -o postfix /var/lib/postfix
	# "postfix start-fg" would keep a shell above master, and master in a session apart.
	launch postfix root sh -c 'postfix check && exec /usr/lib/postfix/sbin/master -s'
}

start_exim() {
	rm -rf "$ROOT/var/spool/exim4"
	install -m 644 "$CONF/exim.conf" "$ROOT/etc/exim4/exim4.conf"
	inside install -d -o Debian-exim -g Debian-exim /var/spool/exim4 /mail/exim
	launch exim root exim4 -bdf
}

start_opensmtpd() {
	rm -rf "$ROOT/var/spool/smtpd"
	install -m 644 "$CONF/opensmtpd.conf" "$ROOT/etc/smtpd.conf"
	install -m 755 "$CONF/opensmtpd-store.sh" "$ROOT/srv/"
	echo "user $(openssl passwd -6 pass)" >"$ROOT/etc/opensmtpd-logins"
	# It takes no key that others may read.
	install -m 600 "$ROOT/etc/tls/server.key" "$ROOT/etc/opensmtpd.key"
	mkdir -p "$ROOT/var/empty"
	install -d -m 711 "$ROOT/var/spool/smtpd"
	inside install -d -o mail -g mail /mail/opensmtpd/{tmp,new}
	launch opensmtpd root smtpd -d
}

start_aiosmtpd() {
	install -m 644 "$CONF/aiosmtpd_server.py" "$ROOT/srv/"
	inside install -d -o mail -g mail /mail/aiosmtpd
	launch aiosmtpd mail python3 /srv/aiosmtpd_server.py
}

start_smtp_server() {
	install -m 644 "$CONF/smtp-server.js" "$ROOT/srv/smtp-server/"
	inside install -d -o mail -g mail /mail/smtp-server
	launch smtp-server mail node /srv/smtp-server/smtp-server.js
}

start_postfix_relay() {
	rm -rf "$ROOT/var/spool/postfix-relay" "$ROOT/var/lib/postfix-relay"
	mkdir -p "$ROOT/etc/postfix-relay" "$ROOT/var/spool/postfix-relay"
	install -m 644 "$CONF/postfix-relay-main.cf" "$ROOT/etc/postfix-relay/main.cf"
	install -m 644 "$CONF/postfix-relay-master.cf" "$ROOT/etc/postfix-relay/master.cf"
	inside install -d -o postfix /var/lib/postfix-relay
	launch postfix-relay root \
		sh -c 'postfix -c /etc/postfix-relay check && exec /usr/lib/postfix/sbin/master -s -c /etc/postfix-relay'
}

start_exim_relay() {
	rm -rf "$ROOT/var/spool/exim4-relay"
	install -m 644 "$CONF/exim-relay.conf" "$ROOT/etc/exim4/"
	# Exim keeps its rights with no other file than these and its usual one.
	echo /etc/exim4/exim-relay.conf >"$ROOT/etc/exim4/trusted_configs"
	inside install -d -o Debian-exim -g Debian-exim /var/spool/exim4-relay
	launch exim-relay root exim4 -C /etc/exim4/exim-relay.conf -bdf
}

# inside runs a command where the servers live, so that the names of users are theirs.
inside() { env -i PATH=/usr/sbin:/usr/bin chroot "$ROOT" "$@"; }

# launch NAME USER COMMAND... starts a server as a session of its own, which is how stop knows its processes.
launch() {
	local name=$1 user=$2
	shift 2
	env -i PATH=/usr/sbin:/usr/bin setsid chroot --userspec="$user:$user" "$ROOT" "$@" \
		</dev/null >>"$LOG/$name.log" 2>&1 &
	echo "$! $(started $!)" >"$RUN/$name.pid"
}

# await returns when every port of a server is open and each plain one has greeted.
await() {
	local port check deadline=$((SECONDS + START_SECONDS))
	for port in $(ports "$1") $(tls_ports "$1"); do
		check=greets
		[[ " $(tls_ports "$1") " != *" $port "* ]] || check=listening
		until "$check" "$port"; do
			if [[ -z $(processes "$1") ]]; then
				start_failed "$1" "ended by itself"
			elif ((SECONDS >= deadline)); then
				start_failed "$1" "did not answer on port $port within $START_SECONDS s"
			fi
			sleep 0.1
		done
	done
}

start_failed() {
	cat "$LOG/$1".* >&2
	die "start: $1 $2; its log is above"
}

# listening asks the kernel: connecting would leave a failed TLS handshake in the logs.
listening() {
	grep -q ":$(printf %04X "$1") [0-9A-F]*:0000 0A" /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# greets reads the 220 and leaves in order, because some servers log a client that just goes away.
greets() (
	local line
	exec 2>/dev/null
	exec 3<>"/dev/tcp/127.0.0.1/$1" &&
		read -r -t 5 line <&3 && [[ $line == 220* ]] &&
		printf 'QUIT\r\n' >&3 && read -r -t 5 line <&3
)

stop() {
	local pids deadline=$((SECONDS + STOP_SECONDS)) signal=TERM
	pids=$(running)
	while [[ -n $pids ]]; do
		# shellcheck disable=SC2086 # a list of numbers
		[[ -z $signal ]] || kill -s "$signal" $pids 2>/dev/null || true
		signal=
		if ((SECONDS >= deadline + STOP_SECONDS)); then
			die "stop: still there: ${pids//$'\n'/ }"
		elif ((SECONDS >= deadline)); then
			signal=KILL
		fi
		sleep 0.1
		pids=$(running)
	done
	rm -f "$RUN"/*.pid
}

running() {
	local name
	for name in "${SERVERS[@]}"; do
		processes "$name"
	done
}

# processes prints the ids of a server's processes: its session, with all descendants and their sessions.
# Parents alone would not do: Exim's deliveries outlive the process that began them.
processes() {
	local leader start pid state parent session more=1
	local -A ours=() parents=() sessions=()
	[[ -f $RUN/$1.pid ]] || return 0
	read -r leader start <"$RUN/$1.pid"
	# The kernel gives no number to a new process while a session still bears it.
	if [[ -e /proc/$leader && $(started "$leader") != "$start" ]]; then
		return 0
	fi
	# proc_pid_stat(5), without the name, which may hold spaces.
	while read -r pid state parent _ session _; do
		if [[ $state != Z ]]; then
			parents[$pid]=$parent
			sessions[$pid]=$session
		fi
	done < <(cat /proc/[0-9]*/stat 2>/dev/null | sed 's/ (.*) / /')
	ours[$leader]=1
	while ((more)); do
		more=0
		for pid in "${!parents[@]}"; do
			if [[ -z ${ours[$pid]-} && -n ${ours[${parents[$pid]}]-}${ours[${sessions[$pid]}]-} ]]; then
				ours[$pid]=1
				more=1
			fi
		done
	done
	for pid in "${!ours[@]}"; do
		[[ -z ${parents[$pid]-} ]] || echo "$pid"
	done
}

# started prints when a process began, in clock ticks since boot: with its number that names it for good.
started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

list() {
	local name pid
	for name in "${SERVERS[@]}"; do
		pid=-
		[[ -z $(processes "$name") ]] || read -r pid _ <"$RUN/$name.pid"
		echo "$name $pid"
	done
}

[[ $EUID == 0 ]] || die "must run as root: the servers change their user, and live in a root folder of their own"
verb=${1-}
case $verb in
fetch | start | stop | list) shift ;;
*) die "usage: servers.sh fetch | start [NAME...] | stop | list" ;;
esac
mkdir -p "$SCRATCH"
# A folder with a known name in /tmp might be somebody else's trap.
[[ -O $SCRATCH && ! -L $SCRATCH ]] || die "$SCRATCH belongs to another user or is a link"
# sockaddr_un holds 108 octets, the last a zero.
((${#SOCKET} < 108)) || die "$SCRATCH is too long a name: Dovecot's socket in it could not be reached"
"$verb" "$@"
