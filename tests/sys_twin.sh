#!/bin/bash
# natlab twin with real programs: a NAT is probed, its report is rebuilt, redacted or not, and behind
# the twin natprobe finds what it found; another network's twin is another one.
#
#	sys_twin.sh --full     twins of the deeper look as well, for two minutes (NATKIT_FULL=1)
set -u

builddir=$(cd "${builddir:-.}" && pwd)
natlab=$builddir/tests/natlab/natlab
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PATH=$builddir/natprobe:$builddir/stund:$PATH
# Leaks are looked for by tracing oneself, which a sandbox may refuse.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
unset NATPROBE_SERVER NO_COLOR
failed=0

fail() {
	echo "FAIL: $*"
	failed=1
}

if [ ! -x "$natlab" ]; then
	echo "skipped: natlab is not built"
	exit 77
fi
why=$("$natlab" run open-internet -- true 2>&1) || {
	echo "skipped: $why"
	exit 77
}

# round PROFILE [OPTION]...: probes it, rebuilds it from the redacted report, probes that; files in
# $tmp/PROFILE. Round trips are left out, since many run at once here.
round() {
	local dir=$tmp/$1

	mkdir "$dir"
	timeout 150 "$natlab" run "$1" -- natprobe check "${@:2}" --json > "$dir/report.json" 2> "$dir/err" ||
		[ $? = 4 ] || return # where UDP is blocked, mapping is unknown
	natprobe show --redact --json "$dir/report.json" > "$dir/redacted.json" &&
		"$natlab" twin "$dir/redacted.json" > "$dir/twin.conf" &&
		"$natlab" twin --expect "$dir/redacted.json" > "$dir/all.conf" &&
		sed '/^rtt /d' "$dir/all.conf" > "$dir/expect.conf" &&
		timeout 150 "$natlab" twin "$dir/redacted.json" -- \
			natprobe check "${@:2}" --expect "$dir/expect.conf" > "$dir/out" 2>> "$dir/err"
	echo "$?" > "$dir/status"
}

echo "# what was found is found again"
profiles='home-behind-cgn symmetric-descending ipv6-firewall nat64 udp-443 multi-wan'
deep=
[ "${1:-}" != --full ] && [ -z "${NATKIT_FULL:-}" ] ||
	deep='short-lifetime double-nat-home fragile-mapping linux-masquerade'
for profile in $profiles; do
	round "$profile" &
done
for profile in $deep; do
	round "$profile" --deep --longest 25s &
done
wait
for profile in $profiles $deep; do
	[ "$(cat "$tmp/$profile/status" 2> /dev/null)" = 0 ] ||
		fail "$profile: its twin is another one: $(cat "$tmp/$profile/out" "$tmp/$profile/err")"
	grep -q 'met$' "$tmp/$profile/out" || fail "$profile: nothing was compared"
	"$natlab" twin "$tmp/$profile/report.json" 2> /dev/null | cmp -s - "$tmp/$profile/twin.conf" ||
		fail "$profile: a redacted report gives another twin"
done

echo "# the file is one for natlab up"
export NATLAB_DIR=$tmp/lab
"$natlab" up "$tmp/home-behind-cgn/twin.conf" || fail "natlab up does not take it"
# shellcheck disable=SC2016	# for the inner sh
"$natlab" exec host -- sh -c 'test "$NATLAB_NODE" = host' || fail "its host is not there"
"$natlab" event nat-1 flush || fail "its inner box is not there"
"$natlab" down
unset NATLAB_DIR

echo "# the twin of another one is not met"
timeout 150 "$natlab" twin "$tmp/symmetric-descending/redacted.json" -- \
	natprobe check --expect "$tmp/home-behind-cgn/expect.conf" > "$tmp/out" 2>&1
[ $? = 1 ] || fail "a symmetric NAT is as one behind a carrier: $(cat "$tmp/out")"

echo "# lines of a log"
jq -c . "$tmp/nat64/report.json" "$tmp/multi-wan/report.json" > "$tmp/log" 2> /dev/null && {
	"$natlab" twin "$tmp/log" | cmp -s - "$tmp/multi-wan/twin.conf" ||
		fail "the last line of a log gives another twin"
	"$natlab" twin --line 1 --family ipv6 "$tmp/log" | cmp -s - "$tmp/nat64/twin.conf" ||
		fail "the first line of a log gives another twin"
}

echo "# the status is the command's, and 125 is natlab's"
"$natlab" twin "$tmp/multi-wan/report.json" -- sh -c 'exit 7'
[ $? = 7 ] || fail "the status of the command is lost"
# complains PATTERN ARGUMENT...: natlab twin fails, and says so.
complains() {
	"$natlab" twin "${@:2}" > "$tmp/out" 2> "$tmp/err"
	[ $? = 125 ] || fail "twin ${*:2} does not end with 125"
	grep -q -- "$1" "$tmp/err" || fail "no \"$1\" in: $(cat "$tmp/err")"
}
complains 'no-such-file: No such file' "$tmp/no-such-file"
complains 'what natprobe check --json prints is needed' "$tmp/multi-wan/out"
echo '{"version":1,"servers":[],"interfaces":[]}' > "$tmp/empty.json"
complains 'no server answered' "$tmp/empty.json"
complains 'there are: eth0 ipv4' --interface wlan7 "$tmp/multi-wan/report.json"
complains 'no log of natprobe watch' --line 2 "$tmp/udp-443/report.json"
complains 'runs no command' --expect "$tmp/multi-wan/report.json" -- true
complains 'name a file' --expect

[ "$failed" = 0 ] && echo ok
exit "$failed"
