#!/bin/bash
# Two ICE agents of libnice that meet through turnd only, over UDP and TCP.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/foreign/relay.sh"
lab_enter "$@"
lab_need pkg-config
pkg-config --exists nice || lab_skip "libnice-dev is not installed"
relay_start
# shellcheck disable=SC2046	# words
${CC:-cc} -std=gnu11 -O1 -o "$relay_tmp/nice" "${srcdir:-.}/tests/foreign/nice_relay.c" \
	$(pkg-config --cflags --libs nice) > "$relay_tmp/cc.log" 2>&1 || {
	fail "cc: $(cat "$relay_tmp/cc.log")"
	exit 1
}
relay_serve plain 3478 users

# ask TRANSPORT PASSWORD
ask() {
	lab_in client timeout 90 "$relay_tmp/nice" "$1" $relay_ip 3478 $relay_user "$2" 2>&1
}

pids=()
for transport in udp tcp; do
	ask $transport $relay_password > "$relay_tmp/$transport.out" &
	pids+=($!)
done
wait "${pids[@]}"
for transport in udp tcp; do
	grep -q '^800 messages' "$relay_tmp/$transport.out" ||
		fail "$transport: $(tail -n 3 "$relay_tmp/$transport.out")"
done
ask udp wrong | grep -q 'messages' && fail "a wrong password relays"
exit "$failed"
