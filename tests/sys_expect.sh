#!/bin/bash
# natprobe compared with what is expected of a network, its reports read back and compared.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
lab_need jq

natprobe=${builddir:-.}/natprobe/natprobe
stund=${builddir:-.}/stund/stund
schema=${srcdir:-.}/doc/natprobe.schema.json
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for tool in "$natprobe" "$stund"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
unset NATPROBE_SERVER NO_COLOR

# ends STATUS ARGUMENT...: runs natprobe for its exit status and text.
ends() {
	local want=$1 got

	shift
	timeout 90 "$natprobe" "$@" > "$tmp/out" 2> "$tmp/err"
	got=$?
	[ "$got" = "$want" ] ||
		fail "natprobe $* ended with $got, not $want: $(cat "$tmp/out" "$tmp/err")"
}

# checks STATUS ARGUMENT...: the same for natprobe check of the server on loopback.
checks() {
	ends "$1" -s 127.0.0.1 -4 -i lo "${@:2}"
}

prints() {
	grep -q -- "$1" "$tmp/out" || fail "no \"$1\" in: $(cat "$tmp/out")"
}

complains() {
	grep -q -- "$1" "$tmp/err" || fail "no \"$1\" in the error: $(cat "$tmp/err")"
	[ ! -s "$tmp/out" ] || fail "an error, and yet it prints: $(cat "$tmp/out")"
}

# fits FILE: it is as the schema says.
fits() {
	python3 -c 'import jsonschema' 2> /dev/null || return 0
	python3 - "$schema" "$1" << 'END' || fail "$1 is not as the schema says"
import json, jsonschema, sys
jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(open(sys.argv[2])))
END
}

# start_stund OPTION...: its pid is in $pid once it is ready.
start_stund() {
	"$stund" "$@" > "$tmp/log" 2>&1 &
	pid=$!
	for _ in $(seq 600); do
		grep -q ' ready' "$tmp/log" && return
		sleep 0.05
	done
	fail "stund $* is not ready: $(cat "$tmp/log")"
}

stop_stund() {
	kill "$pid"
	wait "$pid" 2> /dev/null
}

echo "# files that are wrong, before anything is probed"
cat > "$tmp/bad.conf" << 'END'
# a comment

maping = none
END
checks 2 --expect "$tmp/bad.conf"
complains 'bad.conf:3: there is no property "maping"; did you mean mapping?'
echo 'mapping = open' > "$tmp/bad.conf"
checks 2 --expect "$tmp/bad.conf"
complains 'bad.conf:1: mapping cannot be "open"; allowed: none, endpoint-independent'
echo '# nothing' > "$tmp/bad.conf"
checks 2 --expect "$tmp/bad.conf"
complains 'expects nothing'
checks 2 --expect "$tmp/missing.conf"
complains 'No such file'
checks 2 --expect "$tmp"
complains 'directory'
checks 2 --save -
complains 'name a file'
checks 2 --save "$tmp/one" --junit "$tmp/one"
complains 'name two'
checks 2 --tap --json
complains '--tap'

echo "# what was saved is met"
start_stund --listen 127.0.0.1 --alternate 127.0.0.2
checks 0 --save "$tmp/home.conf"
grep -qx 'mapping = none' "$tmp/home.conf" || fail "saved: $(cat "$tmp/home.conf")"
grep -q unknown "$tmp/home.conf" && fail "an unknown value was saved"
grep -q '127\.0' "$tmp/home.conf" && fail "an address was saved"
checks 0 --expect "$tmp/home.conf"
prints 'as expected'
checks 0 --quiet --expect - < "$tmp/home.conf"
checks 1 --save /dev/full

echo "# TAP, JUnit, JSON"
checks 0 --tap --junit "$tmp/junit.xml" --expect "$tmp/home.conf"
[ "$(head -n 1 "$tmp/out")" = 'TAP version 13' ] || fail "TAP begins: $(head -n 3 "$tmp/out")"
[ "$(grep -c '^ok ' "$tmp/out")" = "$(grep -cE '^[a-z0-9.-]+ [=<>] ' "$tmp/home.conf")" ] ||
	fail "TAP has other tests: $(cat "$tmp/out")"
if command -v prove > /dev/null; then
	cp "$tmp/out" "$tmp/home.tap"
	prove "$tmp/home.tap" > "$tmp/prove" 2>&1 ||
		fail "prove: $(cat "$tmp/prove")"
fi
command -v python3 > /dev/null || lab_skip "python3, which reads the XML, is not there"
python3 - "$tmp/junit.xml" << 'END' || fail "JUnit: $(cat "$tmp/junit.xml")"
import sys, xml.etree.ElementTree as tree
suites = tree.parse(sys.argv[1]).getroot()
assert suites.tag == "testsuites" and suites.get("failures") == "0", suites.attrib
suite = suites.find("testsuite")
assert suite.get("name") == "lo ipv4", suite.attrib
assert len(suite.findall("testcase")) == int(suites.get("tests")) > 4
END
checks 0 --tap
prints '^ok 1 - lo ipv4: nat is known: no$'
checks 0 --json --expect "$tmp/home.conf"
fits "$tmp/out"
[ "$(jq -r '.expectations | "\(.missed) \(.open)"' "$tmp/out")" = '0 0' ] ||
	fail "expectations in JSON: $(jq -c .expectations "$tmp/out")"
cp "$tmp/out" "$tmp/before.json"

echo "# a firewall was put up"
nft -f - << 'END'
table inet test {
	chain input {
		type filter hook input priority filter
		udp dport 3478-3479 accept
		meta l4proto udp ct state new drop
	}
}
END
checks 1 --expect "$tmp/home.conf" --junit "$tmp/junit.xml"
prints 'missed  lo ipv4: filtering$'
prints 'expected  = endpoint-independent  (.*home.conf:[0-9]*)$'
prints 'got       address-and-port-dependent$'
prints 'seen      control '
prints 'missed  lo ipv4: firewall$'
grep -q '<failure message="address-and-port-dependent"' "$tmp/junit.xml" ||
	fail "JUnit: $(cat "$tmp/junit.xml")"
checks 1 --tap --expect "$tmp/home.conf"
prints '^not ok [0-9]* - lo ipv4: filtering = endpoint-independent$'
checks 1 --json --expect "$tmp/home.conf"
fits "$tmp/out"
cp "$tmp/out" "$tmp/after.json"
nft delete table inet test

echo "# sections, and lists"
cat > "$tmp/more.conf" << 'END'
nat != yes
rtt < 1s
[lo ipv4]
filtering in endpoint-independent,address-dependent
mapped in 127.0.0.0/8
[lo]
delta.value = none
END
checks 0 --expect "$tmp/more.conf"
printf '[eth7]\nnat = no\n' > "$tmp/more.conf"
checks 4 --expect "$tmp/more.conf"
prints 'no such interface and family was probed'

echo "# a report is read back"
ends 0 show "$tmp/before.json"
prints '^lo, IPv4$'
ends 0 show --json "$tmp/before.json"
jq 'del(.expectations)' "$tmp/before.json" > "$tmp/want"
jq . "$tmp/out" | cmp -s - "$tmp/want" || fail "show --json differs: $(diff "$tmp/out" "$tmp/want")"
ends 0 show - --quiet < "$tmp/before.json"
prints '^lo IPv4: no NAT'
for document in "${srcdir:-.}"/tests/corpus/report/*.json; do
	ends 0 show --json "$document"
	fits "$tmp/out"
done
ends 0 show --redact "${srcdir:-.}/tests/corpus/report/full.json" --explain
grep -q '203\.0\.113\.' "$tmp/out" && fail "show --redact shows a public address"
ends 2 show "$tmp/home.conf"
complains 'home.conf: line 1'
ends 2 show "$schema"
complains 'no report of natprobe'
ends 2 show "$tmp/missing.json"
complains 'No such file'
ends 2 show
ends 2 show "$tmp/before.json" "$tmp/after.json"
ends 0 show --help
prints 'show \[OPTION\]... FILE'

echo "# and compared"
ends 1 diff "$tmp/before.json" "$tmp/after.json"
prints '^lo ipv4: filtering: endpoint-independent -> address-and-port-dependent$'
prints '^lo ipv4: firewall: no -> yes$'
ends 1 diff --json "$tmp/before.json" "$tmp/after.json"
[ "$(jq -r '.differs, (.changes[] | select(.property == "firewall") | .after)' "$tmp/out")" = \
	$'true\nyes' ] || fail "diff --json: $(cat "$tmp/out")"
checks 0 --json
cp "$tmp/out" "$tmp/again.json"
ends 0 diff "$tmp/before.json" "$tmp/again.json"
prints 'no difference'
ends 2 diff "$tmp/before.json"
ends 2 diff "$tmp/before.json" "$tmp/missing.json"
stop_stund

echo "# an expected value is unknown, and what nobody expects is not asked for"
start_stund --listen 127.0.0.1
checks 4 --expect "$tmp/home.conf"
prints 'open    lo ipv4: filtering$'
prints 'the server has one address only'
echo 'udp-blocked = no' > "$tmp/more.conf"
checks 0 --expect "$tmp/more.conf"
checks 4 --tap
prints '^not ok [0-9]* - lo ipv4: filtering is known$'
stop_stund

echo "# nobody answers"
rm -f "$tmp/none.conf"
checks 3 --timeout 1s --expect "$tmp/home.conf" --save "$tmp/none.conf"
[ ! -e "$tmp/none.conf" ] || fail "saved, though nobody answered"
grep -q 'not written' "$tmp/err" || fail "it does not say that nothing was saved"

[ "$failed" = 0 ] && echo ok
exit "$failed"
