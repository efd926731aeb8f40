#!/bin/bash
# Where peers leave messages for each other: stund's rendezvous over HTTP and HTTPS, what strangers
# may do to it, and natprobe's carriers over it and over Debian's MQTT broker.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/server.sh"
lab_enter "$@"
lab_need openssl socat

stund=${builddir:-.}/stund/stund
talk=${builddir:-.}/tests/carrier_talk
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
daemon=("$stund" --listen 127.0.0.1 --no-self-check --admin 9641)
at=127.0.0.1:8080
uri=http://$at/
path=/v1/rendezvous

for tool in "$stund" "$talk"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done

# cert FILE NAME: a certificate for 127.0.0.1 and localhost, with its key.
cert() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$2" \
		-addext 'subjectAltName=IP:127.0.0.1,DNS:localhost' -keyout "$tmp/$1.key" \
		-out "$tmp/$1.pem" 2> "$tmp/err" || fail "openssl: $(cat "$tmp/err")"
}

# http METHOD TOPIC?QUERY BODY [HEADER]: the whole answer.
http() {
	local length=

	[[ $1 == GET || ${4:-} == Content-Length* ]] || length="Content-Length: ${#3}"$'\r\n'
	printf '%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s\r\n%s' "$1" "$2" "$length" \
		"${4:+$4$'\r\n'}" "$3" | socat -t 30 - "TCP:$at,shut-none" | tr '\0' '.'
}

# answers CODE METHOD TARGET BODY [HEADER]
answers() {
	local want=$1 got

	shift
	got=$(http "$@")
	[[ $got == "HTTP/1.1 $want "* ]] || fail "$* is answered ${got%%$'\r'*}, not $want"
}

metric() {
	socat -t 2 - TCP:127.0.0.1:9641 <<< $'GET /metrics HTTP/1.0\r\n\r' |
		awk -v name="$1" '$1 == name { print $2 }'
}

# meet URIS TOPIC [URIS]: two of them hear each other.
meet() {
	local other

	"$talk" "$1" "$2" say alice hear 2 for 8 > "$tmp/alice" 2>&1 &
	other=$!
	"$talk" "${3:-$1}" "$2" say bob hear 2 for 8 > "$tmp/bob" 2>&1 ||
		fail "bob hears no two messages over $1: $(cat "$tmp/bob")"
	wait "$other" || fail "alice hears no two messages over $1: $(cat "$tmp/alice")"
	grep -q '^heard alice$' "$tmp/bob" || fail "bob does not hear alice: $(cat "$tmp/bob")"
	grep -q '^heard bob$' "$tmp/alice" || fail "alice does not hear bob: $(cat "$tmp/alice")"
}

# told PATTERN URIS...: why a carrier is no use.
told() {
	local pattern=$1

	shift
	"$talk" "$@" topic state for 8 > "$tmp/out" 2>&1
	grep -qE "^(down|cannot) .*$pattern" "$tmp/out" || fail "$*: no \"$pattern\": $(cat "$tmp/out")"
}

# One who does not end its request, and one who says nothing at all, beside all the rest: as long as
# they are served.
"$stund" --listen 127.0.0.2 --no-self-check --rendezvous 127.0.0.2:8080 2> "$tmp/slow.log" &
slow=("$!")
for said in 'POST /v1/rendezvous/t HTTP/1.1' ''; do
	(
		for _ in $(seq 600); do
			exec 3<> /dev/tcp/127.0.0.2/8080 && break
			sleep 0.1
		done 2> /dev/null
		begin=$SECONDS
		printf '%s' "$said" >&3
		cat <&3 > /dev/null
		echo $((SECONDS - begin))
	) > "$tmp/slow-${#said}" &
	slow+=("$!")
done

echo "# off, unless it is wanted"
ends 2 'rendezvous' --check-config --rendezvous nowhere
start
grep -q rendezvous "$tmp/log" && fail "there is a rendezvous that nobody asked for"
[ -z "$(metric stund_rendezvous_topics)" ] || fail "there are metrics of none"
stop TERM 0

echo "# HTTP, and what is not"
start --rendezvous "$at" --rendezvous '[::1]:8080' --max-connections-per-source 20
logs 'listen: rendezvous on 127.0.0.1:8080, HTTP$'
logs 'listen: rendezvous on \[::1\]:8080, HTTP$'
answers 204 POST $path/a/b-1 one
answers 204 POST $path/a/b-1 two
got=$(http GET "$path/a/b-1" '')
[[ $got == *'nkr1'*'one'*'two' ]] || fail "both messages are not there: $got"
[[ $got == *'Natkit-Clock: server='*'; received='*'; sent='* ]] || fail "no clock: $got"
[[ $got != *Access-Control* ]] || fail "web pages are let in"
answers 204 GET "$path/nobody" ''
answers 404 GET / ''
answers 404 GET /v1/other/t ''
answers 400 GET "$path/UPPER" ''
answers 400 GET "$path/t?after=x" ''
answers 403 POST $path/t x 'Origin: http://example.org'
answers 405 DELETE $path/t x
answers 413 POST $path/t '' 'Content-Length: 8193'
answers 501 POST $path/t x 'Transfer-Encoding: chunked'
begin=$SECONDS
answers 204 GET "$path/t?wait=2" ''
[ $((SECONDS - begin)) -ge 1 ] || fail "a long poll does not wait"
http GET "$path/woken?wait=20" '' > "$tmp/woken" &
woken=$!
for _ in $(seq 600); do
	[ "$(metric stund_rendezvous_waiting)" != 1 ] || break
	sleep 0.05
done
answers 204 POST $path/woken hello
wait "$woken"
grep -q 'hello$' "$tmp/woken" || fail "who waits is not woken: $(cat "$tmp/woken")"
for _ in 1 2 3; do # requests behind each other on one connection
	printf 'POST %s/many HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n%s' $path "$_"
done | socat -t 2 - "TCP:$at" > "$tmp/out"
[ "$(grep -c '^HTTP/1.1 204' "$tmp/out")" = 3 ] || fail "three requests in a row: $(cat "$tmp/out")"

echo "# carriers over HTTP"
meet "$uri" talk/http
meet "http://localhost:8080,http://127.0.0.1:1/" talk/several "http://[::1]:8080"
"$talk" "$uri" t clock > "$tmp/out" || fail "no clock of the server: $(cat "$tmp/out")"
told 'cannot be reached' http://127.0.0.1:1/
told 'no rendezvous of natkit' http://127.0.0.1:9641/
told 'no address' http://nothing.invalid/
told 'begins with none of' ftp://127.0.0.1/

echo "# too many connections, and too many requests"
for fd in $(seq 30 54); do
	eval "exec $fd<> /dev/tcp/${at%:*}/${at#*:}"
done
open=$(metric stund_rendezvous_connections)
[ "$open" -le 20 ] || fail "a source has $open connections, more than 20"
[ "$(metric stund_rendezvous_refused_total)" -ge 5 ] || fail "none was refused"
echo 'GET / HTTP/1.1' | socat -t 2 - 'TCP:[::1]:8080' > /dev/null || fail "another source is refused"
for fd in $(seq 30 54); do
	eval "exec $fd>&-"
done
stop TERM 0
start --rendezvous "$at" --rendezvous-rate 5
for _ in $(seq 40); do
	printf 'GET %s/t HTTP/1.1\r\nHost: x\r\n\r\n' $path
done | socat -t 2 - "TCP:$at" > "$tmp/out"
[ "$(grep -c '^HTTP/1.1 204' "$tmp/out")" -le 30 ] || fail "no limit of requests"
grep -q '^HTTP/1.1 429' "$tmp/out" || fail "nobody is told to come later"

echo "# a rendezvous that goes and comes back"
"$talk" "$uri" talk/back hear 1 for 30 > "$tmp/out" &
waits=$!
for _ in $(seq 600); do
	grep -q ^up "$tmp/out" && break
	sleep 0.05
done
stop TERM 0
start --rendezvous "$at"
"$talk" "$uri" talk/back say again hear 1 > /dev/null || fail "one's own message is not heard"
wait "$waits" || fail "it is not heard after a restart: $(cat "$tmp/out")"
stop TERM 0

echo "# ten thousand topics, messages of 8 KiB from everywhere, and a pair that meets"
rss() {
	awk '/^VmRSS/ { print $2 * 1024 }' "/proc/$pid/status"
}
# flood SOURCES TOPICS BODY: each source leaves a message in so many topics of its own.
flood() {
	local source topic floods=()

	for source in $(seq "$1"); do
		for topic in $(seq "$2"); do
			printf 'POST %s/f/%s/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n%s' $path \
				"$source" "$topic" "${#3}" "$3"
		done | socat -t 9 - "TCP:$at,bind=127.0.1.$source" > /dev/null &
		floods+=("$!")
	done
	wait "${floods[@]}"
}
start --rendezvous "$at" --rendezvous-rate 0
bound=$(($(rss) + $(metric stund_rendezvous_memory_bytes) + 8 * 1024 * 1024))
flood 40 250 message
topics=$(metric stund_rendezvous_topics)
[ "$topics" = 10000 ] || fail "of 10,000 topics there are $topics"
meet "$uri" talk/flood
flood 40 100 "$(head -c 8192 /dev/zero | tr '\0' b)"
meet "$uri" talk/flood-again
[ "$(metric stund_rendezvous_pushed_out_total)" -gt 0 ] || fail "nothing was pushed out"
[ "$(metric stund_rendezvous_message_bytes)" -le $((16 * 1024 * 1024)) ] || fail "too many bytes"
now=$(rss)
echo "# $topics topics; memory $((now / 1024)) KiB, bound $((bound / 1024)) KiB"
# Sanitizers take more for each byte, and keep for a while what was freed.
[ "$now" -le "$bound" ] || grep -q -- enable-sanitizers "${builddir:-.}/config.log" ||
	fail "$now bytes of memory, more than $bound"
stop TERM 0

echo "# HTTPS"
cert one one
cert two two
cp "$tmp/one.pem" "$tmp/cert.pem"
cp "$tmp/one.key" "$tmp/key.pem"
start --rendezvous "$at" --rendezvous '[::1]:8080' --cert-file "$tmp/cert.pem" --key-file "$tmp/key.pem"
logs 'rendezvous on 127.0.0.1:8080, HTTP and HTTPS$'
told 'vouches for its certificate' "https://$at/"
export SSL_CERT_FILE=$tmp/one.pem
meet "https://$at/" talk/https https://localhost:8080/
meet "$uri" talk/plain-and-tls "https://$at/"
told 'another name' 'https://[::1]:8080/'
cp "$tmp/two.pem" "$tmp/cert.pem"
cp "$tmp/two.key" "$tmp/key.pem"
kill -HUP "$pid"
logs 'reload: the new configuration is in effect'
told 'vouches for its certificate' "https://$at/"
SSL_CERT_FILE=$tmp/two.pem meet "https://$at/" talk/new-cert
stop TERM 0

echo "# an MQTT broker"
if ! command -v mosquitto > /dev/null; then
	echo "not checked: mosquitto is not installed"
elif "$talk" mqtt://127.0.0.1:1 t for 1 | grep -q '^cannot .*built without MQTT'; then
	told 'use an https:// rendezvous' mqtt://127.0.0.1:1
else
	printf 'alice:secret\n' > "$tmp/passwords"
	mosquitto_passwd -U "$tmp/passwords"
	cat > "$tmp/mosquitto.conf" << END
per_listener_settings true
log_type error
listener 1883 127.0.0.1
allow_anonymous true
listener 1884 127.0.0.1
password_file $tmp/passwords
listener 8883 127.0.0.1
allow_anonymous true
certfile $tmp/one.pem
keyfile $tmp/one.key
END
	chmod 755 "$tmp"
	chmod 644 "$tmp"/*
	mosquitto -c "$tmp/mosquitto.conf" > "$tmp/mosquitto.log" 2>&1 &
	broker=$!
	for _ in $(seq 600); do
		[ "$(ss -Hltn 'sport = :8883' | wc -l)" = 0 ] || break
		sleep 0.05
	done
	meet mqtt://127.0.0.1 talk/mqtt
	meet mqtt://alice:secret@127.0.0.1:1884 talk/password
	told 'wants a user and a password' mqtt://alice:wrong@127.0.0.1:1884
	meet mqtts://127.0.0.1 talk/mqtts mqtts://localhost
	SSL_CERT_FILE=$tmp/two.pem told 'vouches for its certificate' mqtts://127.0.0.1
	told 'cannot be reached' mqtt://127.0.0.1:1
	told 'TLS' mqtts://127.0.0.1:1883
	start --rendezvous "$at"
	meet "$uri,mqtt://127.0.0.1" talk/common "mqtt://127.0.0.1,http://127.0.0.1:1/"
	stop TERM 0
	kill "$broker"
	wait "$broker"
fi

wait "${slow[@]:1}"
kill "${slow[0]}"
wait "${slow[0]}"
for file in "$tmp"/slow-*; do
	[ "$(cat "$file")" -ge 5 ] && [ "$(cat "$file")" -le 14 ] && continue
	fail "who is slow is served for $(cat "$file") s, not 10"
done

[ "$failed" = 1 ] || echo ok
exit "$failed"
