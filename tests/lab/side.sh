# shellcheck shell=sh
#
# side.sh - what both sides of a story (stories.sh) need; in the shell of a side: . "$side"

# await COMMAND...: until it succeeds, a minute at most.
await() {
	await_tries=0
	until "$@" 2> /dev/null; do
		await_tries=$((await_tries + 1))
		[ $await_tries -lt 600 ] || { echo "not in time: $*"; return 1; }
		sleep 0.1
	done
}

# token WORD FILE PID: the line of FILE that begins with WORD, a token of a run by hand that has this
# number. It comes while that one runs, or not at all.
token() {
	until grep "^$1" "$2"; do
		kill -0 "$3" 2> /dev/null || break
		sleep 0.1
	done
}

# relay_begin: a turnd on this host, in $turnd_pid; its address is $at, its user ann, and natprobe
# knows her password.
relay_begin() {
	at=$(ip -4 -o address show eth0 | sed 's|.*inet \([0-9.]*\)/.*|\1|')
	printf '%s\n' "listen = $at" "relay-address = $at" 'relay-ports = 50000-50099' \
		'realm = example.org' '[user ann]' 'password = secret' > turnd.conf
	chmod 600 turnd.conf
	"${turnd:?}" --config turnd.conf > turnd.log 2>&1 &
	# shellcheck disable=SC2034	# for who stops it
	turnd_pid=$!
	await grep -q ' ready' turnd.log
	export NATPROBE_TURN_PASSWORD=secret
}
