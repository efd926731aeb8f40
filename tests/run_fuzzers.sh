#!/bin/bash
# Fuzzes each target for some seconds, starting from its seeds; needs a build that was
# configured with CC=clang and --enable-fuzzers. What is found stays in fuzz-findings/.
#
# As a rule with --enable-sanitizers=address,undefined. With --enable-sanitizers=memory only what
# stands on nothing but our own code can be judged, since libraries do not say what they have
# written: --memory leaves out all other targets.
# usage: run_fuzzers.sh [--memory] SECONDS TARGET...
set -u

# Codec, and what decides without a library.
ours=' addr cidr dtls_hello nonce policy proxy_header stun_msg stun_stream stun_uri turn_chan udp_packet '
memory=0
if [ "${1:-}" = --memory ]; then
	memory=1
	shift
fi
srcdir=${srcdir:-.}
seconds=${1:?usage: run_fuzzers.sh [--memory] SECONDS TARGET...}
shift
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
mkdir -p fuzz-findings || exit 1
failed=0

for target in "$@"; do
	entry=${target##*/fuzz_}
	[ "$memory" = 0 ] || [[ $ours == *" $entry "* ]] || continue
	options=(-max_total_time="$seconds" -timeout=5 -artifact_prefix="fuzz-findings/$entry-")
	dict=$srcdir/tests/corpus/$entry.dict
	[ ! -f "$dict" ] || options+=(-dict="$dict")
	mkdir "$scratch/$entry"
	if "./$target" "${options[@]}" "$scratch/$entry" "$srcdir/tests/corpus/$entry" \
		>"$scratch/$entry.log" 2>&1; then
		echo "ok   $entry: $(grep -E '^Done ' "$scratch/$entry.log")"
	else
		echo "FAIL $entry:"
		tail -n 40 "$scratch/$entry.log"
		failed=1
	fi
done
exit $failed
