#!/bin/bash
# Whatever ends ./bootstrap, nothing of it stays: no process, no namespace, no link. All that it
# starts has a word of ours in its environment.
set -u
: "${srcdir:=.}" "${builddir:=.}"
"$builddir/tests/lab/netns" true || exit

NATKIT_BUILD=$(cd "$builddir" && pwd)
NATKIT_MARK=cleanup-$$-$RANDOM$RANDOM
export NATKIT_BUILD NATKIT_MARK
own=$NATKIT_BUILD/tests/lab/cleanup
mkdir -p "$own"

fail() {
	echo "FAIL: $*"
	tail -n 20 "$own/out"
	exit 1
}

# A make that does nothing, or takes long and has a child besides; the true one runs us already.
fake_make() {
	printf '#!/bin/sh\n%s\n' "$1" > "$own/make"
	chmod +x "$own/make"
}

# marked [NAME]: the processes that bear the mark, or those of that name.
marked() {
	local file pid

	while read -r file; do
		pid=${file#/proc/}
		pid=${pid%/environ}
		[ -z "${1:-}" ] || [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = "$1" ] || continue
		[ ! -e "/proc/$pid" ] || echo "$pid"
	done < <(grep -lsazF "NATKIT_MARK=$NATKIT_MARK-$case" /proc/[0-9]*/environ)
}

# Network namespaces of all marked processes, but our own.
spaces() {
	local pid

	for pid in $(marked); do
		readlink "/proc/$pid/ns/net"
	done | sort -u | grep -vxF "$(readlink /proc/self/ns/net)"
}

await() {
	local i

	for ((i = 0; i < 600; i++)); do
		! "$@" > /dev/null || return 0
		sleep 0.05
	done
	return 1
}

none_marked() {
	[ -z "$(marked)" ]
}

is_marked() {
	[ -n "$(marked "$1")" ]
}

surroundings() {
	ip -oneline link | cut -d : -f 2
	ls /run/netns 2> /dev/null
}

# is_empty SPACE: no process is in that namespace any more.
is_empty() {
	! readlink /proc/[0-9]*/ns/net | grep -qxF "$1"
}

# killed CASE SIGNAL NAME: SIGNAL hits bootstrap as soon as a process NAME of it runs.
killed() {
	local pid pid_of before used space fd held=()

	case=$1
	before=$(surroundings)
	PATH=$own:$PATH NATKIT_MARK=$NATKIT_MARK-$case env --default-signal=INT \
		"$srcdir/bootstrap" demo --no-install \
		> "$own/out" 2>&1 < /dev/null &
	pid=$!
	await is_marked "$3" || fail "$case: no $3 came up"
	used=$(spaces)
	# Held open, so that their numbers do not go to namespaces of tests that run beside us.
	for pid_of in $(marked); do
		! { exec {fd}< "/proc/$pid_of/ns/net"; } 2> /dev/null || held+=("$fd")
	done
	kill "-$2" "$pid"
	wait "$pid" 2> /dev/null
	await none_marked || fail "$case: still there: $(ps -o pid=,args= "$(marked)" 2> /dev/null || marked)"
	for space in $used; do
		await is_empty "$space" || fail "$case: $space is still in use"
	done
	for fd in "${held[@]}"; do
		exec {fd}<&-
	done
	[ "$(surroundings)" = "$before" ] || fail "$case: links or named namespaces have changed"
	echo "ok: $case, $(wc -w <<< "$used") namespaces"
}

fake_make 'sleep 61 & sleep 61'
killed build-killed KILL make
killed build-terminated TERM make
fake_make 'exit 0'
killed demo-killed KILL stund
killed demo-interrupted INT stund

case=whole
before=$(surroundings)
PATH=$own:$PATH NATKIT_MARK=$NATKIT_MARK-$case "$srcdir/bootstrap" demo --no-install > "$own/out" 2>&1 < /dev/null ||
	fail "the demo failed"
await none_marked || fail "whole: still there: $(marked)"
[ "$(surroundings)" = "$before" ] || fail "whole: links or named namespaces have changed"
echo "ok: whole"
