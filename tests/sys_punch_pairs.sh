#!/bin/bash
# Pairs of networks of natlab, and a real natprobe punch in each of the two: they meet through stund,
# a broker or by hand, make a path by a strategy that fits, or name one reason, and agree about it.
#
#	sys_punch_pairs.sh             those of tests/lab/pairs.txt with a star
#	sys_punch_pairs.sh --full      all of it (NATKIT_FULL=1)
#	sys_punch_pairs.sh run NAME    one of them
set -u
: "${srcdir:=.}" "${builddir:=.}"
. "$srcdir/tests/lab/lab.sh"

builddir=$(cd "$builddir" && pwd)
srcdir=$(cd "$srcdir" && pwd)
results=$builddir/tests/natlab/pairs
export PATH=$builddir/natprobe:$builddir/stund:$builddir/turnd:$builddir/tests/natlab:$PATH:/usr/sbin:/sbin
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
unset NATPROBE_SERVER NATPROBE_RENDEZVOUS NATPROBE_CODE NATPROBE_TURN_PASSWORD NO_COLOR

table=$srcdir/tests/lab/pairs.txt

# --- networks ---

# box NAME OUTER PROFILE [KEY=VALUE]...
box() {
	printf '%s\n' "[box $1]" "profile = $3" ${2:+"behind = $2"} "${@:4}"
}

# network SIDE WORD...: its boxes, from the words of the table, and the host.
network() {
	local side=$1 number=0 behind='' chain=() words=()

	shift
	for word in "$@" +; do
		case $word in
		'<' | +)
			chain=("${words[*]}" "${chain[@]}")
			words=()
			;;
		*) words+=("$word") ;;
		esac
		if [ "$word" = + ]; then
			adapter "$side$number" "${chain[@]}"
			behind+=,$innermost
			number=$((number + 1))
			chain=()
		fi
	done
	printf '[host %s]\nbehind = %s\n' "$side" "${behind#,}"
}

# adapter PREFIX BOX...: from the outermost on; $innermost is its last.
adapter() {
	local prefix=$1 number=0 one

	shift
	innermost=
	for one; do
		if [ "$one" = same ]; then
			innermost=nat-a0-0
			continue
		fi
		# shellcheck disable=SC2086	# words of the table
		box "nat-$prefix-$number" "$innermost" ${one/#home/N07 pcp=off nat-pmp=off}
		innermost=nat-$prefix-$number
		number=$((number + 1))
	done
}

# --- servers ---

# serve WORD COMMAND...: runs it where the servers are, until it says so.
serve() {
	local word=$1 log=${2##*/}.log

	: > "$log"
	natlab exec servers -- "${@:2}" > "$log" 2>&1 &
	for _ in $(seq 600); do
		! grep -q "$word" "$log" || return 0
		sleep 0.05
	done
	echo "$2 is not ready: $(cat "$log")"
	return 1
}

serve_broker() {
	printf '%s\n' 'listener 1883' 'allow_anonymous true' 'persistence false' 'user root' > broker.conf
	serve ' running' mosquitto -c broker.conf
}

serve_relay() {
	printf '%s\n' 'listen = 20.50.3.20' 'relay-address = 20.50.3.20' \
		'relay-ports = 50000-50199' 'realm = example.org' '[user alice]' \
		'password = secret' > turnd.conf
	chmod 600 turnd.conf
	echo secret > password
	natlab exec servers -- ip address add 20.50.3.20/32 dev eth0 &&
		serve ' ready' turnd --config turnd.conf
}

# --- one pair ---

# meeting SIDE: what its shell runs, with more arguments. By hand, two pipes carry the tokens, which
# --json leaves on standard error.
# shellcheck disable=SC2016	# of the shell inside
meeting() {
	local until='until token=$(grep "$word" "$err"); do
		kill -0 $pid 2> kill || break; sleep 0.1
	done'

	case $carrier-$1 in
	hand-a)
		echo 'exec 3<> answer; word=^natkit: err=a.err
		natprobe punch --offer "$@" < answer & pid=$!'"
		$until"'; echo "$token" > offer; wait $pid'
		;;
	hand-b)
		echo 'word=^natkit-answer: err=b.err
		natprobe punch --answer "$(cat offer)" "$@" & pid=$!'"
		$until"'; echo "$token" > answer; wait $pid'
		;;
	mqtt-*)
		echo 'NATPROBE_RENDEZVOUS=mqtt${NATPROBE_RENDEZVOUS#http}
		NATPROBE_RENDEZVOUS=${NATPROBE_RENDEZVOUS%/}
		exec natprobe punch --code-file code "$@"'
		;;
	*) echo 'exec natprobe punch --code-file code "$@"' ;;
	esac
}

# side NAME: its natprobe, until it ends. A host behind a NAT64 has the servers' addresses with its
# prefix, in what natlab tells it.
side() {
	local with=" $with "
	local arguments=(--json)

	case $with in
	*" turn-$1 "* | *' turn '*)
		arguments+=(--turn turn:20.50.3.20 --user alice --password-file password)
		;;
	esac
	timeout 150 natlab exec "$1" -- sh -c "$(meeting "$1")" sh "${arguments[@]}" \
		> "$1.json" 2> "$1.err"
	echo $? > "$1.status"
}

# running: what still runs of what was started with the laboratory's name.
running() {
	local pid

	grep -l -z -x -F "NATLAB_DIR=$NATLAB_DIR" /proc/[0-9]*/environ 2> /dev/null |
		cut -d / -f 3 | while read -r pid; do
			cat "/proc/$pid/comm" 2> /dev/null
		done
}

# gone: nothing runs on, and no lease is left, here or in a gateway.
gone() {
	local left granted deleted

	for _ in $(seq 600); do
		left=$(running)
		[ -n "$left" ] || break
		sleep 0.05
	done
	[ -z "$left" ] || echo "still runs: ${left//$'\n'/, }"
	[ ! -s state/natprobe/leases ] || echo "leases are left: $(cat state/natprobe/leases)"
	granted=$(grep -c '"why":"granted"' log) deleted=$(grep -c '"why":"deleted"' log)
	[ "$granted" = "$deleted" ] || echo "ports were opened ($granted) and not closed ($deleted)"
}

one_pair() {
	local name=$1 carrier with a b want said

	IFS='|' read -r carrier with a b want < <(rows "\*\{0,1\}$name" | cut -d '|' -f 2-)
	mkdir -p "$results/$name"
	cd "$results/$name" || return
	export NATLAB_DIR=$PWD/lab XDG_STATE_HOME=$PWD/state
	# shellcheck disable=SC2086	# words of the table
	{
		echo "log = $PWD/log"
		network a $a
		network b $b
	} > lab.conf
	if ! natlab up lab.conf 2> up.err; then
		said="natlab up: $(cat up.err)"
	else
		said=$(run_sides)
		natlab down
		said+=$(gone)
	fi
	[ -n "$said" ] || said=$(judge "$want")
	if [ -n "$said" ]; then
		echo "FAIL $name: $carrier: $said; see $PWD"
	else
		echo "ok $name: $carrier, $(outcome)"
	fi
}

run_sides() {
	local first=$!

	case $carrier in
	mqtt) serve_broker || return ;;
	hand) mkfifo offer answer || return ;;
	esac
	case $with in
	*turn*) serve_relay || return ;;
	esac
	side a &
	first=$!
	side b
	wait "$first"
}

# judge WANTED: what is wrong, if anything.
judge() {
	if ! [ -s a.json ] || ! [ -s b.json ]; then
		echo "no report: $(cat ./*.err)"
		return
	fi
	jq -rn --arg want "$1" --arg status "$(cat a.status b.status | xargs)" \
		--slurpfile a a.json --slurpfile b b.json -f "$srcdir/tests/lab/pairs.jq"
}

outcome() {
	jq -r '.trials[0] | if .path == null then "no path: \(.overall.reason)"
		else "\(.strategy) over \(.path.transport), path after \(.to_path_ms | round) ms, " +
			"round trip \(.quality.rtt_median_ms | round) ms" end' a.json
}

# rows PATTERN: name|carrier|with|a|b|expected of those that match, a star before the name or not.
rows() {
	sed -n "/^$1 /s/ *| */|/gp" "$table"
}

if [ "${1:-}" = run ]; then
	one_pair "$2"
	exit
fi
full=${NATKIT_FULL:-0}
[ "${1:-}" != --full ] || full=1
lab_need jq
for tool in natlab natprobe stund turnd; do
	command -v $tool > /dev/null || lab_skip "$tool is not built"
done
why=$(natlab run open-internet -- true 2>&1) || lab_skip "$why"
rm -rf "$results"
mkdir -p "$results"

# chosen: their names. What cannot be tried here is said.
chosen() {
	local name carrier with a b want why

	while IFS='|' read -r name carrier with a b want; do
		[ "$full" = 1 ] || [[ $name == \** ]] || continue
		name=${name#\*}
		if [ "$carrier" = mqtt ] && ! command -v mosquitto > /dev/null; then
			echo "not checked: $name: mosquitto is not installed" >&2
		elif [[ $a$b == *K[0-9]* ]] && ! why=$(natlab run K1 -- true 2>&1); then
			echo "not checked: $name: $why" >&2
		else
			echo "$name"
		fi
	done < <(rows '[a-z0-9*-]*')
}

# They wait most of the time.
chosen | xargs -r -P $((2 * $(nproc))) -n 1 bash "$0" run > "$results/said"
cat "$results/said"
count=$(wc -l < "$results/said") good=$(grep -c '^ok' "$results/said")
echo "$good of $count pairs"
[ "$count" -gt 0 ] || fail "there was nothing to run"
[ "$good" = "$count" ] || fail "$((count - good)) pairs are wrong"
exit "$failed"
