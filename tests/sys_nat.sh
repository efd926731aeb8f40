#!/bin/bash
# natprobe names each kernel NAT of tests/lab/profiles.sh exactly, run after run, also where packets
# are lost; against our stund, and against Debian's coturn as a foreign server.
#
#	sys_nat.sh [--full]                       a few runs each; --full or NATKIT_FULL=1: 20 of 20
#	sys_nat.sh run SERVER PROFILE LOSS NUMBER  one of them (stund or coturn, LOSS in percent)
set -u
: "${srcdir:=.}" "${builddir:=.}"
results=$builddir/tests/lab/nat
. "$srcdir/tests/lab/lab.sh"

start_stund() {
	lab_spawn web "$1" "$builddir/stund/stund" --listen "${LAB_SERVERS[0]}" --alternate "${LAB_SERVERS[1]}"
}

# Its log goes to stdout, its pid file and database where nobody else looks.
start_coturn() {
	lab_spawn web "$1" turnserver -n -L "${LAB_SERVERS[0]}" -L "${LAB_SERVERS[1]}" --stun-only \
		--no-tls --no-dtls --no-cli --log-file=stdout --simple-log --pidfile="$1.pid"
}

# The line of lab_profile's LAB_TRUTH for each interface that natprobe probed.
said() {
	jq -r 'def ip: sub(":[0-9]+$"; "") | ltrimstr("[") | rtrimstr("]");
		.interfaces[] | select(.probed) | [.interface, .family, .nat.value, .firewall.value,
		.udp_blocked.value, .mapping.value, .filtering.value,
		if .mapped then .mapped | ip elif .mapped_tcp then (.mapped_tcp | ip) + "/tcp"
		else "none" end] | join(" ")' "$1"
}

one_run() {
	local server=$1 profile=$2 loss=$3 base status=0

	base=$results/$1-$2-$3-$4
	. "$srcdir/tests/lab/profiles.sh"
	lab_profile "$profile" "$loss" || exit 1
	"start_$server" "$base.server.log"
	lab_await web 4 3478 3479 || { echo "FAIL $base: $server did not start" && exit 1; }
	lab_in home "$builddir/natprobe/natprobe" --server "${LAB_SERVERS[0]}" --json \
		> "$base.json" 2> "$base.err" || status=$?
	if [ "$status" != 0 ] || [ "$(said "$base.json" | sort)" != "$LAB_TRUTH" ]; then
		printf 'FAIL %s: exit %s, said\n%s\nbut the truth is\n%s\n' "$base" "$status" \
			"$(said "$base.json")" "$LAB_TRUTH"
		return 1
	fi
	echo "ok $server $profile $loss"
}

# jobs SERVER LOSS RUNS: as arguments for one_run.
jobs() {
	local profile number

	for profile in "${LAB_PROFILES[@]}"; do
		for ((number = 1; number <= $3; number++)); do
			echo "$1 $profile $2 $number"
		done
	done
}

all_runs() {
	local runs=3 lossy=2 foreign=1 foreign_lossy=0 list

	if [ "${1:-}" = --full ] || [ -n "${NATKIT_FULL:-}" ]; then
		runs=20 lossy=20 foreign=3 foreign_lossy=3
	fi
	. "$srcdir/tests/lab/profiles.sh"
	mkdir -p "$results"
	list=$(jobs stund 0 "$runs"; jobs stund 5 "$lossy")
	if command -v turnserver > /dev/null; then
		list+=$'\n'$(jobs coturn 0 "$foreign"; jobs coturn 5 "$foreign_lossy")
	else
		echo "not checked: runs against coturn (it is not installed)"
	fi
	grep . <<< "$list" | xargs -P "$(nproc)" -L 1 bash "$0" run > "$results/results"
	sort "$results/results" | grep '^ok ' | uniq -c
	echo "$(grep -c '^ok ' "$results/results") of $(wc -l <<< "$list") runs are right"
	! grep -v '^ok ' "$results/results"
}

if [ "${1:-}" = run ]; then
	lab_enter "$@"
	shift
	one_run "$@"
else
	lab_need jq
	"$builddir/tests/lab/netns" true || exit
	all_runs "$@"
fi
