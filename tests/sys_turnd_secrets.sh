#!/bin/bash
# What turnd keeps to itself, whoever talks to it and whatever they are called: no password, key or
# name of a user stands in its log at any level, in metrics, in lists of sessions or of processes.
# Then: who can reach its admin listener, what a bad file does to a reload, and how its answers leave.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
lab_need jq openssl

turnd=${builddir:-.}/turnd/turnd
attack=${builddir:-.}/tests/attack
ask=${builddir:-.}/tests/stun_ask
for tool in "$turnd" "$attack" "$ask"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

lab_node relay
lab_node client
lab_link relay:eth0 91.80.1.1/24,91.80.1.7/24 client:eth0 91.80.1.2/24

# Names that would be commands somewhere else: of printf, SQL, a shell, HTML and a log.
names=("%s%s%n%x" "x'; DROP TABLE users;--" "\$(id)\`id\`" "<b onload=1>&\"" "a=1 level=error")
password=hunter2-hunter2
secret=$(openssl rand -hex 20)
nonce_key=$(openssl rand -hex 32)

for name in "${names[@]}"; do
	echo $password | "$turnd" --add-user "$name" --realm example.org \
		--password-file "$tmp/users" 2> "$tmp/err" || fail "$name: $(cat "$tmp/err")"
done
echo "$secret" > "$tmp/secrets"
echo "$nonce_key" > "$tmp/nonces"
cat > "$tmp/conf" << END
relay-address = 91.80.1.1
realm = example.org
password-file = $tmp/users
auth-secret-file = $tmp/secrets
nonce-key-file = $tmp/nonces
admin = 9641
control = $tmp/control
log-level = debug
[user alice]
password = $password
END
chmod 600 "$tmp"/*
lab_spawn relay "$tmp/log" "$turnd" --config "$tmp/conf"
pid=$!
for _ in $(seq 600); do
	grep -q ' ready' "$tmp/log" && break
	sleep 0.05
done
grep -q ' ready' "$tmp/log" || fail "turnd is not ready: $(cat "$tmp/log")"

# metrics: of turnd.
metrics() {
	# shellcheck disable=SC2016	# for the other shell
	lab_in relay bash -c 'exec 3<> /dev/tcp/127.0.0.1/9641 &&
		printf "GET /metrics HTTP/1.0\r\n\r\n" >&3 && cat <&3'
}

# hides WHAT FILE: nothing in there that is a secret, or a user's name.
hides() {
	local word

	for word in $password "$secret" "$nonce_key" "${names[@]}" "${keys[@]}" "$timed"; do
		! grep -qF -- "$word" "$2" || fail "$1 shows \"$word\""
	done
}

# lets NAME PASSWORD: who has this name gets in; refuses NAME PASSWORD: who has it does not.
lets() {
	lab_in client "$attack" allocate 91.80.1.1 "$1" "$2" > "$tmp/out" 2>&1 ||
		fail "$1 is not let in: $(cat "$tmp/out")"
}

refuses() {
	! lab_in client "$attack" allocate 91.80.1.1 "$1" "$2" > "$tmp/out" 2>&1 ||
		fail "$1 is let in"
}

echo "# names that are commands elsewhere"
mapfile -t keys < <(awk 'NF >= 3 { print $1; print $2 }' "$tmp/users")
[ "${#keys[@]}" = $((2 * ${#names[@]})) ] || fail "${#keys[@]} keys"
"$turnd" --config "$tmp/conf" --make-credential '%n;id' --ttl 1h > "$tmp/credential" 2> "$tmp/err" ||
	fail "no credential: $(cat "$tmp/err")"
timed=$(jq -r '.. | .credential? // empty' "$tmp/credential" | head -n 1)
lets "$(jq -r '.. | .username? // empty' "$tmp/credential" | head -n 1)" "$timed"
for name in "${names[@]}"; do
	lets "$name" $password
	refuses "$name" wrong
	refuses "$name"$'\n'"level=error forged" $password
done
lets alice $password

echo "# nothing is told of secrets"
lab_in client "$attack" hold 91.80.1.1 "${names[0]}" $password 91.90.0.1:9 0 \
	< <(sleep 2) > "$tmp/held" 2>&1 &
for _ in $(seq 600); do
	"$turnd" --config "$tmp/conf" --sessions > "$tmp/sessions" 2> "$tmp/err"
	[ ! -s "$tmp/sessions" ] || break
	sleep 0.05
done
jq -e .user < "$tmp/sessions" > "$tmp/out" || fail "no session: $(cat "$tmp/sessions" "$tmp/err")"
metrics > "$tmp/metrics"
"$turnd" --config "$tmp/conf" --print-config > "$tmp/printed" 2>&1
tr '\0' '\n' < "/proc/$pid/cmdline" > "$tmp/processes"
tr '\0' '\n' < "/proc/$pid/environ" >> "$tmp/processes"
for i in log sessions metrics printed processes; do
	[ -s "$tmp/$i" ] || fail "$i is empty"
	hides "$i" "$tmp/$i"
done
kill -s HUP "$pid"
for _ in $(seq 600); do
	grep -q 'new configuration' "$tmp/log" && break
	sleep 0.05
done
hides "the log of a reload" "$tmp/log"
! grep -q forged "$tmp/log" || fail "somebody writes into the log: $(grep forged "$tmp/log")"

echo "# admin and control are for this host and its operator"
lab_in relay ss -Hltn 'sport = :9641' > "$tmp/out"
grep -q '127.0.0.1:9641' "$tmp/out" || fail "no admin listener: $(cat "$tmp/out")"
[ "$(wc -l < "$tmp/out")" = 1 ] || fail "more admin listeners than one: $(cat "$tmp/out")"
[ "$(stat -c %a "$tmp/control")" = 600 ] || fail "the control socket has $(stat -c %a "$tmp/control")"

echo "# a reload with a bad file keeps what there is"
cp "$tmp/conf" "$tmp/good"
echo "lisen = 1.2.3.4" > "$tmp/conf"
kill -s HUP "$pid"
for _ in $(seq 600); do
	grep -q 'conf:1: .*listen' "$tmp/log" && break
	sleep 0.05
done
grep -q 'conf:1: .*listen' "$tmp/log" || fail "the mistake is not named: $(tail -n 3 "$tmp/log")"
lets alice $password
cp "$tmp/good" "$tmp/conf"

echo "# answers leave with the usual TTL, from where they were asked"
binding=000100002112a442000000000000000000000000
for address in 91.80.1.1 91.80.1.7; do
	got=$(lab_in client "$ask" $address:3478 $binding)
	[[ $got == "$address:3478 64 0101"* ]] || fail "of $address: $got"
done
kill "$pid"
wait "$pid" || fail "turnd: $? $(tail -n 3 "$tmp/log")"
exit "$failed"
