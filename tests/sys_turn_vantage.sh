#!/bin/bash
# natprobe check --turn: a real turnd, and coturn where it is installed, show what a NAT lets in and
# how it maps, behind several of them, where the STUN servers have one address each.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"

bin=$(cd "${builddir:-.}" && pwd)
natlab=$bin/tests/natlab/natlab
natprobe=$bin/natprobe/natprobe
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
lab_need jq ip
for tool in "$natlab" "$natprobe" "$bin/stund/stund" "$bin/turnd/turnd"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
why=$("$natlab" run open-internet -- true 2>&1) || lab_skip "$why"
tmp=$(mktemp -d)
export NATLAB_DIR=$tmp/dir
trap '"$natlab" down 2> /dev/null; rm -rf "$tmp"' EXIT
unset NATPROBE_SERVER NATPROBE_TURN_PASSWORD

schema=${srcdir:-.}/doc/natprobe.schema.json
turn=20.50.3.20 # beside the servers that natlab has
profiles=(open-internet home-router full-cone restricted-cone symmetric-restricted multi-wan
	fragile-mapping)
for profile in "${profiles[@]}"; do
	printf '%s\n' "[box $profile]" "profile = $profile" "[host at-$profile]" \
		"behind = $profile"
done > "$tmp/lab"
printf '%s\n' "listen = $turn" "relay-address = $turn" 'relay-ports = 50000-50199' \
	'tcp-relay = on' 'realm = example.org' '[user alice]' 'password = secret' > "$tmp/conf"
chmod 600 "$tmp/conf"
echo secret > "$tmp/password"
echo wrong > "$tmp/wrong"
"$natlab" up "$tmp/lab" 2> "$tmp/err" || fail "natlab up: $(cat "$tmp/err")"
"$natlab" exec servers -- ip address add $turn/32 dev eth0 || fail "no address for turnd"

# serve WORD COMMAND...: runs it where the servers are, until it says so.
serve() {
	local word=$1 log=$tmp/log$RANDOM

	: > "$log"
	"$natlab" exec servers -- "${@:2}" > "$log" 2>&1 &
	for _ in $(seq 600); do
		! grep -q "$word" "$log" || return 0
		sleep 0.05
	done
	fail "$2 is not ready: $(cat "$log")"
}

serve ' ready' "$bin/turnd/turnd" --config "$tmp/conf"
serve ' ready' "$bin/stund/stund" --listen 20.0.0.10:3500
serve ' ready' "$bin/stund/stund" --listen 20.99.7.11:3500
coturn=
if command -v turnserver > /dev/null; then
	coturn=20.50.3.21
	"$natlab" exec servers -- ip address add $coturn/32 dev eth0 || fail "no address for coturn"
	serve 'Total General servers' turnserver -n -L $coturn -E $coturn --lt-cred-mech \
		-r example.org --user alice:secret --no-tls --no-dtls --no-cli --simple-log \
		--log-file stdout --pidfile "$tmp/pid" --userdb "$tmp/db"
fi

# check NAME PROFILE SERVER OPTION...: begins a run of natprobe on the host behind it.
check() {
	timeout 150 "$natlab" exec "at-$2" -- "$natprobe" check --json --no-upnp \
		--server 20.0.0.10:3500 --server 20.99.7.11:3500 --turn "turn:$3" --user alice \
		"${@:4}" > "$tmp/json-$1" 2> "$tmp/err-$1" &
	running+=($!)
}

# says NAME FILTER WANT
says() {
	local got

	got=$(jq -r ".interfaces[0] | $2" "$tmp/json-$1")
	[ "$got" = "$3" ] || fail "$1: $2 is $got, not $3: $(cat "$tmp/err-$1")"
}

# is_valid NAME: its document is as the schema has it.
is_valid() {
	[ "$validates" = 1 ] || return 0
	python3 - "$schema" "$tmp/json-$1" << 'END' || fail "$1: not as the schema says"
import json, jsonschema, sys
jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(open(sys.argv[2])))
END
}

validates=1
python3 -c 'import jsonschema' 2> /dev/null || validates=0
for profile in "${profiles[@]}"; do
	check "$profile" "$profile" $turn --password-file "$tmp/password"
done
check wrong full-cone $turn --password-file "$tmp/wrong"
check redacted open-internet $turn --password-file "$tmp/password" --redact
[ -z "$coturn" ] || check coturn restricted-cone $coturn --password-file "$tmp/password"
wait "${running[@]}"

# retry PROFILE: where a busy machine left TCP unknown, it is looked at alone, twice at most.
retry() {
	for _ in 1 2; do
		[ "$(jq -r '.interfaces[0].properties."filtering.tcp".value' "$tmp/json-$1")" = unknown ] ||
			return 0
		check "$1" "$1" $turn --password-file "$tmp/password"
		wait "${running[-1]}"
	done
}

for profile in "${profiles[@]}"; do
	retry "$profile"
	says "$profile" .filtering.value "$("$natlab" show --expect "$profile" |
		sed -n 's/^filtering = //p')"
	says "$profile" .filtering.server turn:$turn
	says "$profile" .mapping.value "$("$natlab" show --expect "$profile" |
		sed -n 's/^mapping = //p')"
	says "$profile" .outcome reached
	# TCP is filtered alike by all of these.
	says "$profile" '.properties."filtering.tcp".value' "$(jq -r \
		'.interfaces[0].filtering.value' "$tmp/json-$profile")"
	says "$profile" '.turn.relayed[0:11]' $turn:
done
is_valid home-router
if [ -n "$coturn" ]; then
	says coturn .filtering.value address-dependent
	says coturn '.properties."filtering.tcp".value' address-dependent
else
	echo "not checked: coturn is not installed"
fi

echo "# what is refused is said"
says wrong .filtering.reason turn-failed
says wrong .turn.code 401
is_valid wrong
says redacted '[.. | strings | select(startswith("20."))] | length' 0
says redacted .filtering.value endpoint-independent

echo "# what makes no sense is refused"
for bad in '--turn stun:20.0.0.10' '--turn turn:' "--turn turn:$turn --password-file $tmp/wrong" \
	'--user alice' '--insecure'; do
	# shellcheck disable=SC2086	# several words on purpose
	"$natprobe" check $bad < /dev/null > "$tmp/out" 2>&1
	[ $? = 2 ] || fail "natprobe check $bad: $(cat "$tmp/out")"
done
exit "$failed"
