#!/bin/bash
# Two natprobes meet and punch among enemies: a rendezvous that loses, repeats, delays, reorders and
# floods, one that swaps peers, one that says again what it has heard, and a host that knows both
# addresses and ports and sends forged packets. A pair meets, or is told why not; nobody ends with a
# path, or a key, that is not the other side's. (tests/sys_rendezvous.sh floods stund's own.)
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"

src=$(cd "${srcdir:-.}" && pwd)
bin=$(cd "${builddir:-.}" && pwd)
natprobe=$bin/natprobe/natprobe
lab_need jq python3
for tool in "$natprobe" "$bin/stund/stund"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset NATPROBE_CODE NATPROBE_RENDEZVOUS
server=91.80.1.1
export NATPROBE_SERVER=$server

lab_node server
lab_node enemy
for side in a b; do
	lab_node $side
done
lab_link a:eth0 84.20.1.2/24 server:eth0 84.20.1.1/24
lab_link b:eth0 84.20.2.2/24 server:eth1 84.20.2.1/24
lab_link enemy:eth0 84.20.3.2/24 server:eth2 84.20.3.1/24
lab_address server lo $server/32
lab_router server
lab_route a default via 84.20.1.1
lab_route b default via 84.20.2.1
lab_route enemy default via 84.20.3.1

lab_spawn server "$tmp/stund" "$bin/stund/stund" --listen $server --rendezvous $server:80 \
	--rendezvous-rate 0 --max-connections-per-source 1000
lab_await server 1 3478 || fail "stund: $(cat "$tmp/stund")"

# liar HOW PORT [RECORD]
liar() {
	lab_spawn server "$tmp/liar-$1" python3 "$src/tests/rendezvous_liar.py" "$server:$2" "$server:80" \
		"$1" "${@:3}"
}
liar bad 81
liar swap 82
liar record 83 "$tmp/record"
liar flood 84
# listens PORT: until it does, on the server.
listens() {
	local i

	for ((i = 0; i < 600; i++)); do
		[ -z "$(lab_in server ss -Hltn "sport = :$1")" ] || return
		sleep 0.05
	done
	fail "nobody listens to port $1"
}
for port in 81 82 83 84; do
	listens $port
done

# One diagnosis of each side does for all.
for side in a b; do
	lab_in $side "$natprobe" check --quiet --json > "$tmp/$side.profile" 2> "$tmp/$side.check" &
done
wait -n; wait -n

# one NAME SIDE PORT COMMAND ARGUMENT...: one side of a story, in the background. What it prints is
# in NAME.SIDE, its status in NAME.SIDE.status.
declare -A jobs=()
one() {
	local at=$tmp/$1.$2

	(
		lab_in "$2" timeout 90 "$natprobe" "$4" --profile "$tmp/$2.profile" \
			--rendezvous "http://$server:$3/" "${@:5}" > "$at" 2> "$at.err"
		echo $? > "$at.status"
	) &
	jobs[$1.$2]=$!
}

# ended NAME STATUS [SIDE...]: it ends so.
ended() {
	local name=$1 status=$2 side

	shift 2
	[ $# -gt 0 ] || set -- a b
	for side; do
		wait "${jobs[$name.$side]}"
		[ "$(cat "$tmp/$name.$side.status")" = "$status" ] || fail "$name, $side:" \
			"$(cat "$tmp/$name.$side.status"), not $status: $(cat "$tmp/$name.$side" "$tmp/$name.$side.err")"
	done
}

# one_path NAME: both report the same one, from one side's own address to the other's.
one_path() {
	jq -es '.[0].trials[0].path as $a | .[1].trials[0].path as $b |
		$a.outer == $b.remote and $b.outer == $a.remote and
		($a.outer | startswith("84.20.1.2:")) and ($b.outer | startswith("84.20.2.2:"))' \
		"$tmp/$1.a" "$tmp/$1.b" > /dev/null || fail "$1: $(cat "$tmp/$1.a" "$tmp/$1.b")"
}

for side in a b; do
	one bad $side 81 punch --json 11-abbey-abbey-abbey
	one flood $side 84 punch --json 14-abbey-abbey-abbey
	# shellcheck disable=SC2016	# the program's shell expands it
	one first $side 83 connect --quiet 13-abbey-abbey-abbey -- sh -c 'echo $NATPROBE_SECRET'
	one forged $side 80 punch --json --local-port 40000 --hold 2s 15-abbey-abbey-abbey
done
# Two programs on one host.
one same a 80 punch --json 16-abbey-abbey-abbey
one twin a 80 punch --json 16-abbey-abbey-abbey
one swap a 82 punch 21-abbey-abbey-abbey
one swap b 82 punch 22-abbey-abbey-zodiac
lab_spawn enemy "$tmp/enemy" python3 "$src/tests/punch_enemy.py" 84.20.1.2 84.20.2.2 40000 30
enemy=$!

# --- peers that are swapped: one guess each, and the code is used up ---
ended swap 1
[ "$(grep -c 'another code' "$tmp/swap.a.err" "$tmp/swap.b.err" | grep -c ':1$')" = 2 ] ||
	fail "swapped: $(cat "$tmp/swap.a.err" "$tmp/swap.b.err")"
one late a 80 punch --wait 15s 21-abbey-abbey-abbey

# --- what was recorded means nothing to a fresh run, even one with the same code ---
ended first 0
[ -s "$tmp/record" ] || fail "nothing was recorded"
liar replay 85 "$tmp/record"
listens 85
for side in a b; do
	# shellcheck disable=SC2016	# the program's shell expands it
	one second $side 85 connect --quiet 13-abbey-abbey-abbey -- sh -c 'echo $NATPROBE_SECRET'
done

# --- forged packets ---
ended forged 0
one_path forged
kill "$enemy" 2> /dev/null
wait "$enemy"
grep -q '^sent [0-9]\{3\}' "$tmp/enemy" || fail "the enemy: $(cat "$tmp/enemy")"
grep -q '^heard 0$' "$tmp/enemy" || fail "the enemy was answered: $(cat "$tmp/enemy")"
jq -es '[.[].trials[0].steps[].ours.stray] | add > 0' "$tmp/forged.a" "$tmp/forged.b" > /dev/null ||
	fail "no forged packet arrived: $(cat "$tmp/forged.a")"

ended bad 0
one_path bad
ended same 0 a
ended twin 0 a
jq -es '.[0].trials[0].path.local == .[1].trials[0].path.remote' "$tmp/same.a" "$tmp/twin.a" > /dev/null ||
	fail "on one host: $(cat "$tmp/same.a" "$tmp/twin.a")"
ended flood 0
one_path flood
ended second 0
ended late 4 a
for story in first second; do
	if [ "$(wc -c < "$tmp/$story.a")" != 65 ] || ! cmp -s "$tmp/$story.a" "$tmp/$story.b"; then
		fail "$story: secrets: $(cat "$tmp/$story.a" "$tmp/$story.b")"
	fi
done
! cmp -s "$tmp/first.a" "$tmp/second.a" || fail "two runs have one secret"

# --- reports have no secrets: not the code, not a key of either run ---
! grep -q abbey "$tmp"/*.[ab] "$tmp"/*.err || fail "a code: $(grep abbey "$tmp"/*.[ab] "$tmp"/*.err)"
! grep -qE '(^|[^0-9a-f])[0-9a-f]{32,}' "$tmp"/{bad,flood,forged}.[ab] || fail "a key is in a report"

exit "$failed"
