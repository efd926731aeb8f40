#!/bin/bash
# demo.sh - what ./bootstrap demo shows: natprobe behind a real NAT, a two-address stund beyond it.
# srcdir and builddir name the trees. Where namespaces cannot be had, stund stands on loopback.
set -u
: "${srcdir:=.}" "${builddir:=.}"
dir=$builddir/tests/lab/demo
. "$srcdir/tests/lab/lab.sh"

say() {
	printf '%-10s %s\n' "$@"
}

give_up() {
	say stopped "$1"
	[ ! -s "$dir/stund.log" ] || cat "$dir/stund.log"
	exit 1
}

# Does this host let us have what the network below is made of? Says why not.
namespaces_work() {
	"$builddir/tests/lab/netns" bash -c '
		ip link add name probe0 type veth peer name probe1 &&
			nft add table ip probe && nft add chain ip probe post "{ type nat hook postrouting priority 100; }"' 2>&1
}

# Judges what natprobe printed: the demo ends well only with a correct verdict.
judge() {
	local word

	for word; do
		grep -q -- "$word" "$dir/verdict" || give_up "that is wrong: it should say \"$word\""
	done
}

behind_nat() {
	. "$srcdir/tests/lab/profiles.sh"
	lab_profile masquerade
	say network "home 192.168.1.2 --- Linux NAT $LAB_WAN --- stund ${LAB_SERVERS[*]}"
	say "" "all of it namespaces of this host, gone when this ends"
	lab_spawn web "$dir/stund.log" "$builddir/stund/stund" --listen "${LAB_SERVERS[0]}" --alternate "${LAB_SERVERS[1]}"
	lab_await web 4 3478 3479 || give_up "stund did not start"
	say "home \$" "natprobe --server ${LAB_SERVERS[0]}"
	echo
	lab_in home "$builddir/natprobe/natprobe" --server "${LAB_SERVERS[0]}" | tee "$dir/verdict"
	echo
	judge "$LAB_WAN" "endpoint-independent" "address-and-port-dependent"
	say correct "this NAT keeps one mapping for all destinations, and lets in only who was spoken to"
}

on_loopback() {
	say network "stund on 127.0.0.1 and 127.0.0.2"
	"$builddir/stund/stund" --listen 127.0.0.1 --alternate 127.0.0.2 --port 34780 --alternate-port 34781 \
		> "$dir/stund.log" 2>&1 &
	stund=$!
	trap 'kill "$stund"' EXIT
	for ((i = 0; i < 600; i++)); do
		[ "$(ss -Hlun 'sport = :34780 or sport = :34781' 2> /dev/null | wc -l)" -lt 4 ] || break
		sleep 0.05
	done
	kill -0 "$stund" 2> /dev/null || give_up "stund did not start"
	say "\$" "natprobe --server 127.0.0.1:34780"
	echo
	"$builddir/natprobe/natprobe" --server 127.0.0.1:34780 | tee "$dir/verdict"
	echo
	judge "127.0.0.1"
	say "not shown" "a NAT in between, which takes namespaces: ${1##*$'\n'}"
}

PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$dir"
if [ -n "${LAB_INSIDE:-}" ]; then
	behind_nat
elif why=$(namespaces_work); then
	LAB_INSIDE=1 exec "$builddir/tests/lab/netns" bash "$0"
else
	on_loopback "${why#SKIP: }"
fi
