#!/bin/bash
# natprobe check --deep behind natlab's NATs, by the model and by the kernel: double NAT, CGN, a port
# that an early datagram takes away, a lifetime of 20 s and what refreshes a mapping are named where
# they are, and nowhere else.
#
#	sys_deep.sh                the networks of the tables below
#	sys_deep.sh --full         and all others, by what natlab says is true of them (NATKIT_FULL=1)
#	sys_deep.sh run PROFILE    one of the first table
#	sys_deep.sh truth PROFILE  any, by what natlab says
set -u
: "${srcdir:=.}" "${builddir:=.}"
. "$srcdir/tests/lab/lab.sh"

builddir=$(cd "$builddir" && pwd)
results=$builddir/tests/natlab/deep
export PATH=$builddir/natprobe:$builddir/stund:$builddir/tests/natlab:$PATH:/usr/sbin:/sbin
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
unset NATPROBE_SERVER NO_COLOR

# The host has two addresses: with one it cannot tell a plain router and a NAT (L3) from two NATs.
# Lifetimes are followed for 26 s: long enough for one of 20 s.
#	profile           nats cgn      early-inbound  one-way  lifetime  outbound  inbound
table='
	N07               1    no       kept           long     long      -         -
	N16               1    unknown  kept           long     long      -         -
	N32               2    yes      kept           long     long      -         -
	N26               1    yes      kept           long     long      -         -
	L3                1    unknown  kept           long     long      -         -
	N52               1    unknown  kept           long     long      -         -
	N33               1    unknown  kept           20       long      -         -
	N59               1    unknown  kept           20       20        yes       no
	N60               1    unknown  kept           20       20        no        yes
	N61               1    unknown  kept           20       20        yes       yes
	K1                1    unknown  remapped       long     long      -         -
	K2                1    unknown  kept           long     long      -         -
'

# Two interfaces behind a NAT that counts; NAT64 and IPv6; what DNS tells of a NAT64.
others=(L1 N41 N42 N48)

one_run() {
	timeout 150 natlab run --second-address "$1" -- natprobe check --deep --longest 26s --json \
		> "$results/$1.json" 2> "$results/$1.err"
}

# found PROFILE: the same row as in the table, by the report.
found() {
	jq -r '.interfaces[0].properties
		| def value(name): .[name].value // "-";
		  def time(name): .[name] | if .low == null then .value // "-"
			elif .low <= 20.3 and .high != null and .high >= 19.7 then "20"
			elif .low > 20.3 then "long" else .value end;
		  def refresh(name): if time("lifetime") == "20" then value(name) else "-" end;
		[value("nats"), value("cgn"), value("early-inbound"), time("lifetime.one-way"),
		 time("lifetime"), refresh("refresh.outbound"), refresh("refresh.inbound")]
		| map(tostring) | join(" ")' "$results/$1.json" 2>&1
}

# truth PROFILE: what natlab says is met, but for what 26 s cannot tell.
truth() {
	natlab show --expect --deep "$1" | grep -v -E '^(keepalive|refresh|lifetime)' \
		> "$results/$1.conf"
	timeout 150 natlab run --second-address "$1" -- natprobe check --deep --longest 26s \
		--expect "$results/$1.conf" > "$results/$1.out" 2>&1
	case $? in
	0) echo "ok $1" ;;
	4) echo "open $1: $(grep -A 2 '^  open ' "$results/$1.out" | sed 's/(.*conf.*)//' | xargs)" ;;
	*) echo "FAIL $1: $(grep -A 2 '^  missed ' "$results/$1.out" | xargs)" ;;
	esac
}

case ${1:-} in
run)
	one_run "$2"
	exit
	;;
truth)
	truth "$2"
	exit
	;;
esac
full=${NATKIT_FULL:-0}
[ "${1:-}" != --full ] || full=1
lab_need jq
for tool in natlab natprobe stund; do
	command -v $tool > /dev/null || lab_skip "$tool is not built"
done
why=$(natlab run open-internet -- true 2>&1) || lab_skip "$why"
rm -rf "$results"
mkdir -p "$results"

# They wait nearly all the time.
{
	awk 'NF { print "run", $1 }' <<< "$table"
	printf 'truth %s\n' "${others[@]}"
} | xargs -P 16 -n 2 bash "$0" > "$results/said"
grep -v '^ok' "$results/said" && fail "a deep diagnosis does not say what is so"
while read -r profile wanted; do
	[ -n "$profile" ] || continue
	if [[ $profile == K* ]] && ! why=$(natlab run "$profile" -- true 2>&1); then
		echo "not checked: $profile: $why"
		continue
	fi
	wanted=$(xargs <<< "$wanted")
	got=$(found "$profile")
	[ "$got" = "$wanted" ] || fail "$profile: $got, not $wanted: $(cat "$results/$profile.err")"
done <<< "$table"

if [ "$full" = 1 ]; then
	natlab list --json | jq -r '.[].id' | xargs -P 16 -n 1 bash "$0" truth > "$results/said"
	grep -v '^ok' "$results/said"
	! grep -q '^FAIL' "$results/said" || fail "a deep diagnosis says what is not so"
fi
exit "$failed"
