# shellcheck shell=bash
#
# relay.sh - a host, a network and a server for tests of natprobe relay; after lab_enter.
#
#	home 91.80.2.20 --- net --- web 91.80.1.10, turn.test and other.test
#
# The server is no neighbour, so that what does not arrive just vanishes.

natprobe=${builddir:-.}/natprobe/natprobe
lab_need jq openssl
schema=${srcdir:-.}/doc/natprobe-relay.schema.json
[ -x "$natprobe" ] || lab_skip "$natprobe is not built"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset NATPROBE_TURN_PASSWORD

server=91.80.1.10
server6=2a06:1300:1::10
client=91.80.2.20
client6=2a06:1300:2::20

lab_node home ipv6
lab_node net ipv6
lab_node web ipv6
lab_link home:eth0 $client/24,$client6/64 net:home 91.80.2.1/24,2a06:1300:2::1/64
lab_link net:web 91.80.1.1/24,2a06:1300:1::1/64 web:eth0 $server/24,91.80.1.11/24,$server6/64
lab_route home default via 91.80.2.1
lab_route home default via 2a06:1300:2::1
lab_route web default via 91.80.1.1
lab_route web default via 2a06:1300:1::1
lab_router net

# certificate NAME SUBJECT DAYS: NAME.pem and NAME.key, signed by ca.pem.
certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
		-keyout "$tmp/$1.key" -out "$tmp/$1.csr" 2> "$tmp/openssl" &&
		openssl x509 -req -in "$tmp/$1.csr" -CA "$tmp/ca.pem" -CAkey "$tmp/ca.key" \
			-CAcreateserial -days "$3" -extfile <(echo "subjectAltName=DNS:$2") \
			-out "$tmp/$1.pem" 2> "$tmp/openssl"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test-ca \
	-keyout "$tmp/ca.key" -out "$tmp/ca.pem" 2> "$tmp/openssl" || lab_skip "openssl makes no CA"
certificate good turn.test 2 || lab_skip "openssl makes no certificate"
certificate old turn.test -1 || lab_skip "openssl makes no certificate that has expired"
printf '%s\n' "127.0.0.1 localhost" "$server turn.test other.test" > "$tmp/hosts"
mount --bind "$tmp/hosts" /etc/hosts || lab_skip "files cannot be bound over /etc here"
: > "$tmp/resolv.conf"
mount --bind "$tmp/resolv.conf" /etc/resolv.conf || lab_skip "files cannot be bound over /etc here"
echo secret > "$tmp/password"
echo wrong > "$tmp/wrong"

quick=(--duration 300ms --rate 100)

# relay STATUS ARGUMENT...: runs natprobe relay --json, and checks its exit status and the document.
relay() {
	local want=$1 got

	shift
	lab_in home timeout 90 "$natprobe" relay --json "${quick[@]}" "$@" > "$tmp/json" 2> "$tmp/err"
	got=$?
	[ "$got" = "$want" ] || fail "relay $* ended with $got, not $want: $(cat "$tmp/err" "$tmp/json")"
	[ "$(jq .exit_code "$tmp/json")" = "$got" ] || fail "relay $*: exit_code is not $got"
	! grep -qE 'secret|alice' "$tmp/json" "$tmp/err" || fail "relay $* tells the secret"
	if python3 -c 'import jsonschema' 2> /dev/null; then
		python3 - "$schema" "$tmp/json" << 'END' || fail "relay $*: not as the schema says"
import json, jsonschema, sys
jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(open(sys.argv[2])))
END
	fi
}

# says FILTER VALUE: what the last document has there.
says() {
	local got

	got=$(jq -r "$1" "$tmp/json")
	[ "$got" = "$2" ] || fail "$1 is $got, not $2, in $(cat "$tmp/json")"
}

# found TRIAL FINDING: a failure of that kind, with its remedy.
found() {
	jq -e --arg f "$2" ".trials[$1].findings[] | select(.finding == \$f and (.text | length > 10) and (.remedy | length > 10))" \
		"$tmp/json" > "$tmp/finding" || fail "trial $1 has no finding $2: $(cat "$tmp/json")"
}

# shellcheck disable=SC2034	# for those who source it
me=(--user alice --password-file "$tmp/password")
