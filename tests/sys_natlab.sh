#!/bin/bash
# natlab: what commands find inside, how it ends, what it logs, and that nothing stays behind.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"

bin=$(cd "${builddir:-.}" && pwd)
natlab=$bin/tests/natlab/natlab
natprobe=$bin/natprobe/natprobe
meet=$bin/tests/udp_meet
netns=$bin/tests/lab/netns
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
lab_need jq ip
for tool in "$natlab" "$natprobe" "$meet" "$bin/stund/stund"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
why=$("$natlab" run open-internet -- true 2>&1) || lab_skip "$why"
tmp=$(mktemp -d)
export NATLAB_DIR=$tmp/dir
trap '"$natlab" down 2> /dev/null; rm -rf "$tmp"' EXIT
unset NATPROBE_SERVER

# ends STATUS ARGUMENT...: runs natlab for its exit status and text.
ends() {
	local want=$1 got

	shift
	timeout 150 "$natlab" "$@" > "$tmp/out" 2> "$tmp/err"
	got=$?
	[ "$got" = "$want" ] || fail "natlab $* ended with $got, not $want: $(cat "$tmp/err")"
}

prints() {
	grep -q -- "$1" "$tmp/out" || fail "no \"$1\" in: $(cat "$tmp/out")"
}

complains() {
	grep -q -- "$1" "$tmp/err" || fail "no \"$1\" in the error: $(cat "$tmp/err")"
}

# is_running WORD: some process has it as an argument.
is_running() {
	grep -zsqx -- "$1" /proc/[0-9]*/cmdline
}

# await_start: until what was started has made this file.
await_start() {
	for _ in $(seq 600); do
		[ ! -e "$tmp/started" ] || return 0
		sleep 0.02
	done
	fail "what was started does not run"
}

# --- how it ends ---
ends 0 run home-router -- true
ends 9 run home-router -- sh -c 'exit 9'
ends 137 run home-router -- sh -c 'kill -KILL $$'
ends 127 run home-router -- no-such-command
complains 'no-such-command: No such file'
ends 126 run home-router -- "$tmp"
complains 'Permission denied'
ends 0 pair home-router full-cone -- true -- 'exit 0'
ends 5 pair home-router full-cone -- true -- 'sleep 0.1; exit 5'
ends 6 pair home-router full-cone -- 'exit 6' -- 'sleep 0.1; exit 5'
ends 0 pair home-router full-cone -- 'test -- = --' -- true

# --- mistakes ---
ends 125
complains 'which command'
ends 125 walk
complains 'no command "walk"'
ends 125 run
complains 'a profile is missing'
ends 125 run no-such-profile -- true
complains 'no profile "no-such-profile"'
ends 125 run home-ruter -- true
complains 'did you mean home-router'
ends 125 run home-router true
complains 'behind --'
ends 125 run home-router --
complains 'behind -- is missing'
ends 125 run home-router --maping apd -- true
complains 'did you mean --mapping'
ends 125 run home-router --mapping symmetric -- true
complains '"symmetric" is none; write .*endpoint-independent'
for bad in --loss=101% --loss=x --delay=5 --delay=-1s --rate=1 --step=1.5 --ports=9-1 --ports=0-9 \
	--external=1.2.3 --nat64=64:ff9b::/95 --udp-ports=1,2,3,4,5 --pcp=maybe --layer=3; do
	ends 125 run home-router "$bad" -- true
	complains "${bad%%=*}"
done
ends 125 run home-router --layer 1 -- true
complains 'there are 1 boxes'
ends 125 run home-router --engine kernel -- true
complains 'no ruleset'
ends 125 run home-router --stund /nowhere/stund -- true
complains 'stund does not start: .*nowhere'
ends 125 run home-router --log /nowhere/log -- true
complains '/nowhere/log'
ends 125 run home-router --log /dev/full -- "$natprobe" --quiet
complains 'not all of the log'
ends 125 pair home-router full-cone -- true
complains 'two commands'
ends 125 pair home-router full-cone -- true -- true -- true
complains 'quotes'

# --- what there is ---
ends 0 list
prints '^N07  home-router '
ends 0 list --json
[ "$(jq 'length' "$tmp/out")" -ge 51 ] || fail "list --json has fewer than 51 profiles"
jq -e 'all(.[]; .id and .name and .engine and .summary)' "$tmp/out" > /dev/null || fail "list --json"
ends 0 show N19
prints '^step = -1$'
prints '^  delta.value = -1$'
ends 0 show --expect home-router
prints '^mapping = endpoint-independent$'
ends 125 show nothing

# --- inside ---
ends 0 run home-router -- env
prints '^NATPROBE_SERVER=20\.0\.0\.10$'
prints '^NATPROBE_RENDEZVOUS=http://20\.0\.0\.10/$'
ends 0 run home-router -- ip route
prints '^default via 192.168.1.1 dev eth0'
ends 0 run ipv6-firewall -- env
prints '^NATPROBE_SERVER=\[2a10:20::10\]$'
ends 0 run nat64 -- env
prints '^NATPROBE_SERVER=\[64:ff9b::1400:a\]$'
ends 0 run two-nics-sequential -- ip -o -4 address
prints 'eth1 .*192.168.1.3/24'
[ "$(echo hello | "$natlab" run home-router -- cat)" = hello ] || fail "stdin does not come in"

# says VERDICT ARGUMENT...: what natprobe says in one line, behind that.
says() {
	local want=$1

	shift
	ends 0 run "$@" -- "$natprobe" --quiet
	prints "$want"
}

says 'no NAT' open-internet
says 'mapping endpoint-independent, filtering address-and-port-dependent' home-router
says 'mapping address-and-port-dependent' home-router --mapping apd --step -2
says 'filtering endpoint-independent' --filtering ei home-router
says 'mapping address-and-port-dependent' double-nat-home --mapping apd
says 'mapping endpoint-independent' linux-masquerade --engine model

ends 125 run home-router --upnp -- true
complains 'no Linux box'
if "$natlab" run linux-masquerade -- true 2> "$tmp/err"; then
	if command -v miniupnpd > /dev/null; then
		ends 0 run linux-masquerade --upnp -- "$natprobe"
		prints 'PCP yes, NAT-PMP yes, UPnP yes; outside it is 21.0.0.2'
	else
		echo "not checked: --upnp: miniupnpd is not installed"
	fi
else
	echo "not checked: kernel profiles: $(cat "$tmp/err")"
fi

# --- the log is an oracle ---
# A seed, so that the ports do not come round to the other end of their range.
ends 0 run --log "$tmp/log" --seed 1 symmetric-sequential --step -3 -- "$natprobe" --quiet
jq -se '[.[] | select(.event == "mapped") | .external | split(":")[1] | tonumber] as $ports
	| ($ports | length) >= 8 and all(range(1; $ports | length);
		$ports[.] - $ports[. - 1] == -3)' "$tmp/log" > /dev/null ||
	fail "the log does not show ports that step by -3: $(head -n 5 "$tmp/log")"
jq -se 'any(.[]; .event == "dropped" and .why == "filtered" and .side == "outside" and
		.node == "nat" and .time_us > 0 and (.remote | startswith("20.")))' \
	"$tmp/log" > /dev/null || fail "the log has nothing that was filtered"

# --- two that meet ---
# meets STATUS A B OPTION...
meets() {
	local want=$1 round=$RANDOM

	ends "$want" pair "${@:2}" -- "$meet" "$tmp/a$round" "$tmp/b$round" -- \
		"$meet" "$tmp/b$round" "$tmp/a$round"
}

meets 0 home-router home-router
meets 0 open-internet stateful-firewall
meets 0 home-router double-nat-home --delay 20ms
meets 1 symmetric-random symmetric-random
meets 1 home-router symmetric-random

# early WANT PROFILE OPTION...: what becomes of packets that come before ours, and of our port.
early() {
	local want=$1 round=$RANDOM

	ends 0 pair "${@:2}" open-internet -- "$meet" --late "$tmp/a$round" "$tmp/b$round" -- \
		"$meet" --early "$tmp/b$round" "$tmp/a$round"
	[ "$(cat "$tmp/out")" = "$want" ] || fail "early packets to ${*:2}: $(cat "$tmp/out"), not $want"
}

early 'silent same' home-router
early 'refused same' home-router --unsolicited icmp
early 'silent other' symmetric-random
for engine in model kernel; do
	"$natlab" run linux-masquerade --engine "$engine" -- true 2> /dev/null || continue
	early 'refused other' linux-masquerade --engine "$engine"
	early 'silent same' linux-input-drop --engine "$engine"
	early 'silent other' linux-random --engine "$engine"
done

# --- a laboratory that stays ---
cat > "$tmp/lab.conf" << END
log = $tmp/up.log
seed = 7

[box carrier]
profile = cgn-symmetric
[box home]
profile = home-router
behind = carrier
[box cafe]
profile = full-cone
delay = 1ms
[host alice]
behind = home
[host bob]
behind = home
[host carol]
behind = cafe, carrier
[host dave]
END
ends 0 up "$tmp/lab.conf"
[ -S "$NATLAB_DIR/control" ] || fail "there is no socket"
logged=$(wc -l < "$tmp/up.log")
ends 125 up "$tmp/lab.conf"
complains 'already'
[ "$(wc -l < "$tmp/up.log")" -ge "$logged" ] || fail "a second laboratory has emptied the log"
ends 0 exec alice -- "$natprobe" --quiet
prints 'mapping address-and-port-dependent'
ends 0 exec dave -- "$natprobe" --quiet
prints 'no NAT'
ends 0 exec carol -- "$natprobe" --quiet
prints '^eth0 IPv4: NAT, mapping endpoint-independent, filtering endpoint-independent'
prints '^eth1 IPv4: NAT, mapping address-and-port-dependent'
ends 7 exec bob -- sh -c 'exit 7'
ends 127 exec bob -- no-such-command
ends 126 exec bob -- "$tmp"
ends 0 exec bob -- sh -c "[ \"\$PWD\" = '$PWD' ] && [ \"\$NATLAB_NODE\" = bob ]"
ends 0 exec servers -- ip -o address
prints ' 20.99.7.11/32 '
ends 125 exec home -- true
complains '"home" is none of these'
ends 125 exec nobody -- true

# mapped: the address that alice is seen with on the carrier's side of home
mapped() {
	"$natlab" exec alice -- "$natprobe" --quiet > /dev/null
	jq -r 'select(.node == "home" and .event == "mapped") | .external' "$tmp/up.log" |
		tail -n 1 | cut -d: -f1
}

before=$(mapped)
ends 0 event home new-address
after=$(mapped)
[[ $before == 100.64.0.* && $after == 100.64.0.* && $before != "$after" ]] ||
	fail "the address was $before and is $after"
ends 0 event home flush
ends 0 event carrier reboot
jq -se '[.[].event] | contains(["new-address", "flush", "reboot"]) and
	any(.[]; . == "removed")' "$tmp/up.log" > /dev/null || fail "the log has no events"
ends 125 event home explode
complains 'reboot, flush, new-address'
ends 125 event alice reboot
complains 'it is a host'
# shellcheck disable=SC2016	# for the inner sh
"$natlab" exec alice -- sh -c ': > "$0"; exec sleep 4242' "$tmp/started" &
sleeper=$!
await_start
ends 0 down
wait "$sleeper"
[ $? -eq 137 ] || fail "a command did not end with its laboratory"
ends 125 down
complains 'no laboratory is running'
[ ! -e "$NATLAB_DIR/control" ] || fail "the socket stays behind"

# orders from inside
# shellcheck disable=SC2016	# for the inner sh
ends 0 run --dir "$tmp/dir" home-router -- sh -c '"$0" event nat new-address && "$0" exec host -- true &&
	"$1" --quiet' "$natlab" "$natprobe"

# mistakes in a file
# refuses TEXT WHY
refuses() {
	printf '%b' "$1" > "$tmp/bad.conf"
	ends 125 up "$tmp/bad.conf"
	complains "$2"
}

refuses '' 'no \[host NAME\]'
refuses '[host a]\nbehind = b\n' 'no \[box b\]'
refuses '[box a]\nbehind = b\n[box b]\nbehind = a\n[host c]\n' 'behind itself'
refuses '[box a]\nprofile = nix\n[host c]\n' 'no profile "nix"'
refuses '[box a]\nloss = much\n[host c]\n' 'bad.conf:2: .*loss'
refuses '[host a]\nmapping = ei\n' 'none of the behaviours of a box'
refuses '[host servers]\n' 'two nodes called servers'
refuses '[box a]\n[host a]\n' 'two nodes called a'
refuses '[bix a]\n' 'did you mean \[box NAME\]'

# --- nothing stays, whoever is killed ---
# start WORD: a natlab with a command that has it; its pid is in $pid.
start() {
	rm -f "$tmp/started"
	# shellcheck disable=SC2016	# for the inner sh
	"$natlab" run home-router -- sh -c ': > "$0"; exec sleep "$1"' "$tmp/started" "$1" &
	pid=$!
	await_start
}

mark=4$RANDOM.$$
start "$mark"
kill -KILL "$pid"
wait "$pid" 2> /dev/null
for _ in $(seq 600); do
	is_running "$mark" || break
	sleep 0.02
done
! is_running "$mark" || fail "a killed natlab leaves its command behind"
start "$mark"
kill -TERM "$pid"
wait "$pid"
[ $? -eq 143 ] || fail "SIGTERM does not reach the command"

# begins COMMAND...: a natlab whose servers never say that they are ready; its pid is in $pid.
begins() {
	rm -f "$tmp/started"
	"$natlab" "$@" &
	pid=$!
	await_start
}

printf '#!/bin/sh\n: > "%s"\nexec sleep %s\n' "$tmp/started" "$mark" > "$tmp/silent"
chmod +x "$tmp/silent"
printf '[host a]\n' > "$tmp/plain.conf"
for sig in TERM KILL; do
	for how in "run home-router -- true" "up $tmp/plain.conf"; do
		# shellcheck disable=SC2086	# words
		begins ${how%% *} --stund "$tmp/silent" ${how#* }
		kill -"$sig" "$pid"
		wait "$pid" 2> /dev/null
		got=$?
		[ $got -eq $((128 + $(kill -l "$sig"))) ] ||
			fail "natlab $how ends with $got where SIG$sig comes before it is ready"
		for _ in $(seq 600); do
			is_running "$mark" || break
			sleep 0.02
		done
		! is_running "$mark" || fail "natlab $how leaves servers behind at SIG$sig"
	done
done

# Of several that start at once in one directory one lives, and can be ended.
: > "$tmp/ups"
ups=()
for _ in 1 2 3 4; do
	("$natlab" up "$tmp/plain.conf" 2> /dev/null && echo up >> "$tmp/ups") &
	ups+=($!)
done
wait "${ups[@]}"
[ "$(wc -l < "$tmp/ups")" = 1 ] || fail "$(wc -l < "$tmp/ups") laboratories are up in one place"
ends 0 exec a -- true
ends 0 down

# shellcheck disable=SC2016	# for the inner sh
(trap '' HUP; "$natlab" run home-router -- sh -c 'kill -HUP $$; exit 3')
[ $? -eq 3 ] || fail "a command does not inherit that SIGHUP is ignored"

# --- where it may not ---
if "$netns" mount -t tmpfs none /dev/net 2> /dev/null; then
	# shellcheck disable=SC2016	# for the inner sh
	"$netns" sh -c 'mount -t tmpfs none /dev/net && exec "$0" run home-router -- true' "$natlab" \
		2> "$tmp/err"
	[ $? -eq 125 ] || fail "without TUN it does not end with 125"
	complains 'no /dev/net/tun: .*modprobe tun.*--device /dev/net/tun'
fi

# --- in a chroot that is no mount point, what natlab mounts does not get out of it ---
# shellcheck disable=SC2016	# for the inner sh
in_chroot='mount -t tmpfs none "$0" && mkdir "$0/root" && cd "$0/root" || exit 77
	for dir in /usr /lib /lib64 /bin /sbin /dev /proc /sys "$1"; do
		[ ! -e "$dir" ] || { mkdir -p ".$dir" && mount --rbind "$dir" ".$dir"; } || exit 77
	done
	mount --make-rshared "$0" && mounts=$(wc -l < /proc/self/mountinfo) || exit 77
	chroot . "$1/tests/natlab/natlab" run home-router -- true || exit 77
	[ "$(wc -l < /proc/self/mountinfo)" = "$mounts" ] || exit 1
	# Who joins a laboratory gets into its chroot, and back to the directory that he was in.
	mkdir only_here && printf "[box b]\nprofile = home-router\n[host h]\nbehind = b\n" > lab
	chroot . sh -c "cd /only_here && \$0 up --dir=/up /lab && \$0 exec --dir=/up h -- pwd &&
		\$0 down --dir=/up" "$1/tests/natlab/natlab" | grep -qx /only_here'
mkdir "$tmp/chroot"
"$netns" sh -c "$in_chroot" "$tmp/chroot" "$bin" 2> "$tmp/err"
case $? in
0) ;;
77) echo "not checked: a chroot: $(cat "$tmp/err")" ;;
*) fail "in a chroot: what is mounted gets out of it, or exec does not get into it" ;;
esac

# --- ordinary users ---
# as_nobody DEVICE_MODE COMMAND...: with a TUN device of that mode; only root can try that.
as_nobody() {
	# shellcheck disable=SC2016	# for the inner sh
	"$netns" sh -c 'mount -t tmpfs -o mode=755 none /dev/net && mknod /dev/net/tun c 10 200 &&
		chmod "$0" /dev/net/tun && cd / &&
		exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"' "$@"
}

if [ "$(id -u)" = 0 ] && as_nobody 666 test -x "$natlab" 2> /dev/null; then
	if why=$(as_nobody 666 unshare --user --net true 2>&1); then
		as_nobody 666 "$natlab" run home-router -- "$natprobe" --quiet > "$tmp/out" ||
			fail "an ordinary user gets status $?"
		prints 'NAT, mapping endpoint-independent'
	else
		echo "not checked: ordinary users: $why"
	fi
	as_nobody 600 "$natlab" run home-router -- true 2> "$tmp/err"
	[ $? -eq 125 ] || fail "a TUN device that is not ours gives no 125"
	complains 'not allowed to open /dev/net/tun: .*chmod 666'
fi

exit "$failed"
