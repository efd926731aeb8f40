#!/bin/bash
# What natprobe finds beside the discovery: a captive portal, country and network, what the gateway
# says by UPnP, and a carrier's NAT that follows from it; and what its options spoil.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
lab_enter "$@"
lab_need jq

natprobe=${builddir:-.}/natprobe/natprobe
stund=${builddir:-.}/stund/stund
http_say=${builddir:-.}/tests/http_say
mmdb_make=${builddir:-.}/tests/mmdb_make
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for tool in "$natprobe" "$stund" "$http_say" "$mmdb_make"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
unset NATPROBE_SERVER

# await LOG WORD
await() {
	for _ in $(seq 600); do
		grep -q "$2" "$1" 2> /dev/null && return
		sleep 0.05
	done
	fail "no \"$2\": $(cat "$1")"
}

# probe ARGUMENT...: from home; the document is in $tmp/json.
probe() {
	lab_in home timeout 90 "$natprobe" --json -4 -s 91.80.1.10 "$@" > "$tmp/json" 2> "$tmp/err" ||
		fail "natprobe $* ended with $?: $(cat "$tmp/err")"
}

# says FILTER VALUE: what the last document has there.
says() {
	local got

	got=$(jq -r ".interfaces[0] | $1" "$tmp/json")
	[ "$got" = "$2" ] || fail "$1 is $got, not $2"
}

# refuses WORD ARGUMENT...
refuses() {
	local status

	"$natprobe" -s 127.0.0.1 "${@:2}" > "$tmp/out" 2> "$tmp/err"
	status=$?
	[ "$status" = 2 ] || fail "natprobe ${*:2} ended with $status, not 2"
	grep -q -- "$1" "$tmp/err" || fail "no \"$1\": $(cat "$tmp/err")"
}

lab_node home
lab_node box
lab_node web
lab_link home:eth0 192.168.1.2/24 box:lan 192.168.1.1/24
lab_link box:wan 84.20.3.2/24 web:eth0 84.20.3.1/24,91.80.1.10/32,91.80.1.11/32
lab_route home default via 192.168.1.1
lab_route box default via 84.20.3.1
lab_router box
lab_nft box << 'END'
table ip nat {
	chain post {
		type nat hook postrouting priority srcnat
		oifname "wan" masquerade
	}
}
END
lab_spawn web "$tmp/stund" "$stund" --listen 91.80.1.10 --alternate 91.80.1.11
await "$tmp/stund" ' ready'

echo "# options that are wrong"
refuses percentage --confidence 99.9
refuses percentage --confidence 100%
refuses percentage --confidence nan%
refuses local-port --local-port 0
refuses local-port --local-port 65536
refuses http:// --portal https://example.org/
refuses 'cannot be read' --geo /nonexistent
refuses 'no database' --geo "$0"

echo "# nothing is asked that was not asked for"
probe
says .captive_portal.value unknown
says .captive_portal.reason not-tried
says .geo null
lab_spawn web "$tmp/http" "$http_say" 84.20.3.1:80 204
await "$tmp/http" ready
probe
[ "$(cat "$tmp/http")" = ready ] || fail "somebody was asked: $(cat "$tmp/http")"

echo "# a page that answers 204"
probe --portal http://84.20.3.1/generate_204
says .captive_portal.value no
grep -q '^GET 84.20.3.1 /generate_204$' "$tmp/http" || fail "it was asked for: $(cat "$tmp/http")"

echo "# a portal in its place"
lab_spawn web "$tmp/redirect" "$http_say" 84.20.3.1:81 302
lab_spawn web "$tmp/login" "$http_say" 84.20.3.1:82 200
lab_spawn web "$tmp/error" "$http_say" 84.20.3.1:83 503
await "$tmp/redirect" ready
await "$tmp/login" ready
await "$tmp/error" ready
probe --portal http://84.20.3.1:81
says .captive_portal.value yes
probe --portal http://84.20.3.1:82/
says .captive_portal.value yes

echo "# no word on it"
probe --portal http://84.20.3.1:83/
says .captive_portal.reason server-error
probe --portal http://84.20.3.1:84/
says .captive_portal.reason server-silent
lab_nft web <<< 'table ip f { chain in { type filter hook input priority 0; tcp dport 85 drop; }; }'
probe --portal http://84.20.3.1:85/
says .captive_portal.reason timeout

echo "# country and network of the mapped address"
"$mmdb_make" 84.20.0.0/16 DE 0 '' > "$tmp/country"
"$mmdb_make" 84.20.3.0/24 - 64500 'Example Net' > "$tmp/asn"
probe --geo "$tmp/country" --geo "$tmp/asn"
says .geo.country DE
says .geo.asn 64500
says .geo.organisation "Example Net"

echo "# the gateway is known, and it has no UPnP"
if grep -q enable-portable "${builddir:-.}/config.log"; then
	says .upnp.reason no-gateway
else
	says .gateway 192.168.1.1
fi
says '.upnp.value == "yes"' false # no, or the search was not over yet
probe --no-upnp
says .upnp.reason not-tried

echo "# a local port that the user names"
probe --local-port 4444
says .local 192.168.1.2:4444
grep -q 'warning: .*local port 4444' "$tmp/err" || fail "no warning: $(cat "$tmp/err")"

echo "# a local port that somebody else has"
lab_spawn home "$tmp/taken" "$stund" --listen 192.168.1.2
await "$tmp/taken" ' ready'
lab_in home "$natprobe" --json -s 91.80.1.10 -i eth0 -4 --local-port 3478 > "$tmp/json" 2> "$tmp/err"
says .probed false
says .why_not 'somebody else has this local port'

if command -v miniupnpd > /dev/null && grep -q 'UPnP  *miniupnpc' "${builddir:-.}/config.log"; then
	echo "# a gateway with UPnP, behind one more NAT"
	lab_nft box <<< 'table inet filter { chain miniupnpd { }; chain prerouting_miniupnpd { }; chain postrouting_miniupnpd { }; }'
	printf '%s\n' ext_ifname=wan listening_ip=lan http_port=5000 enable_upnp=yes enable_natpmp=no \
		ext_ip=84.20.9.9 uuid=5bd7bcd2-5af5-4f0f-8a3b-000000000001 "lease_file=$tmp/leases" > "$tmp/conf"
	lab_spawn box "$tmp/miniupnpd" miniupnpd -d -f "$tmp/conf" -P "$tmp/pid"
	lab_await box 1 1900 || fail "miniupnpd does not start: $(tail -n 1 "$tmp/miniupnpd")"
	probe
	says .upnp.value yes
	says .upnp.external 84.20.9.9
	says .cgn.value yes
else
	echo "not checked: UPnP, which natprobe or this host does not have"
fi

[ "$failed" = 0 ] && echo "ok"
exit "$failed"
