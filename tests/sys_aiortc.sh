#!/bin/bash
# natprobe's transport and a WebRTC peer that we did not write, python3-aiortc: data channels that either
# side opens, text and binary, in either role of ICE and DTLS; and a certificate that is another one.
set -u
talk=tests/transport_talk
peer=${srcdir:-.}/tests/aiortc_peer.py

/usr/bin/python3 -c 'import aiortc' 2> /dev/null || { echo "skipped: python3-aiortc is not installed"; exit 77; }
$talk > /dev/null 2>&1
[ $? != 77 ] || { echo "skipped: built without libusrsctp"; exit 77; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

# converse ROLE WORDS...: said what came of it?
converse() {
	local role=$1 words=$2

	shift 2
	if ! timeout 60 /usr/bin/python3 -B "$peer" $talk "$role" "$@" > "$tmp/$role$*" 2>&1 ||
		! grep -q "^$words" "$tmp/$role$*"; then
		echo "FAIL: $role $*"
		tail -n 20 "$tmp/$role$*"
		return 1
	fi
}

pids=()
for role in controlling controlled; do
	converse $role "messages went both ways" &
	pids+=($!)
	converse $role "a stranger is refused" stranger &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid" || failed=1
done
exit $failed
