#!/bin/bash
# compare.sh - natprobe, coturn's turnutils_natdiscovery and vovida's stun behind every NAT of
# natlab: who is right about mapping and filtering, and how long it takes.
#
#	compare.sh [--markdown] [--loss PERCENT] [--runs N] [--jobs N] [PROFILE...]
#
# Prints one JSON document, with --markdown the tables of doc/comparison.md. A tool is
#
#	right    where it says all of mapping, filtering and blocked UDP, and all of it is true
#	unsure   where nothing of what it says is false, but something is missing
#	wrong    where something that it says is not true
#
# Words that fold two values into one ("Dependent Mapping") are right for either. Where a NAT keeps
# the port and changes its address, by destination or by chance, it maps endpoint-independently for
# who compares ports, and not for who compares addresses too: both are right. With several runs the
# table counts them. Nothing leaves the laboratory; the tools run with their defaults, but
# turnutils_natdiscovery is told the local address, without which it takes every path for a NAT's.
set -u

srcdir=${srcdir:-.}
builddir=${builddir:-.}
natlab=${NATLAB:-$builddir/tests/natlab/natlab}
natprobe=${NATPROBE:-$builddir/natprobe/natprobe}
loss=0
runs=1
jobs=$(($(nproc) * 2)) # they mostly wait
markdown=

usage() {
	sed -n '2,/^set -u/s/^# \{0,1\}//p' "$0"
	exit "$1"
}

while [ $# -gt 0 ]; do
	case $1 in
	--markdown) markdown=1 ;;
	--loss) loss=${2%\%} && shift ;;
	--runs) runs=$2 && shift ;;
	--jobs) jobs=$2 && shift ;;
	-h | --help) usage 0 ;;
	-*) usage 2 >&2 ;;
	*) break ;;
	esac
	shift
done

for tool in jq turnutils_natdiscovery stun; do
	command -v "$tool" > /dev/null || {
		echo "SKIP: $tool is not installed"
		exit 77
	}
done

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# Each prints "MAPPING FILTERING BLOCKED" in natprobe's words, "-" for what is not said.
ask_natprobe() {
	"$natprobe" --json |
		jq -r '.interfaces[0] | [.mapping.value, .filtering.value,
			if .udp_blocked.value == "mixed" then "yes" else .udp_blocked.value end]
			| map(if . == "unknown" or . == null then "-" else . end) | join(" ")'
}

ask_natdiscovery() {
	local server=${NATPROBE_SERVER#[} here

	here=$(ip -o addr show dev eth0 scope global | awk '{ sub("/.*", "", $4); print $4; exit }')
	turnutils_natdiscovery -m -f -L "$here" "${server%]}" 2>&1 | awk '
		function rule(line) {
			if (line ~ /Endpoint Independent/) return "endpoint-independent"
			if (line ~ /Address and Port/) return "address-and-port-dependent"
			if (line ~ /Address Dependent/) return "address-dependent"
			return "-"
		}
		BEGIN { m = f = "-" }
		/Mapping!/ { m = rule($0) }
		/Filtering!/ { f = rule($0) }
		/^No NAT!/ { none = 1 } # and goes on to name its mapping
		END { print none ? "none" : m, f, m == "-" ? "-" : "no" }'
}

ask_stun() {
	stun "$NATPROBE_SERVER" 2>&1 | awk '
		BEGIN { m = f = b = "-" }
		/Primary:/ {
			b = "no"
			if (/Open/) { m = "none"; f = "endpoint-independent" }
			else if (/Firewall/) { m = "none"; f = "dependent" }
			else if (/Independent Mapping/) m = "endpoint-independent"
			else if (/Dependent Mapping/) m = "dependent"
			else if (/Blocked/) b = "yes"
			if (/Independent Filter/) f = "endpoint-independent"
			if (/Address Dependent Filter/) f = "address-dependent"
			if (/Port Dependent Filter/) f = "address-and-port-dependent"
		}
		END { print m, f, b }'
}

# In the laboratory: asks with one tool, and says how long that took.
if [ "${COMPARE_TOOL:-}" != "" ]; then
	before=$(date +%s%N)
	said=$("ask_$COMPARE_TOOL")
	echo "$said $((($(date +%s%N) - before) / 1000000))"
	exit
fi

# judge TRUTH SAID: "right", "wrong" or "unsure"; each is "MAPPING FILTERING BLOCKED", and a truth
# may have alternatives: "endpoint-independent|address-dependent".
judge() {
	awk -v truth="$1" -v said="$2" 'BEGIN {
		split(truth, t, " ")
		n = split(said, s, " ")
		result = n < 3 ? "unsure" : "right"
		for (i = 1; i <= 3 && n >= 3; i++) {
			if (t[i] == "unknown" && s[3] != "yes" && s[i] != "-")
				result = "wrong"
			if (t[i] == "unknown" || index("|" t[i] "|", "|" s[i] "|"))
				continue
			if (s[i] == "dependent" && t[i] ~ /dependent/ && t[i] != "endpoint-independent")
				continue
			if (s[i] != "-")
				result = "wrong"
			else if (result == "right")
				result = "unsure"
		}
		print result
	}'
}

# The truth is what the profile says of itself.
truth_of() {
	"$natlab" show --expect "$1" | awk -F ' *= *' '
		$1 == "mapping" { m = $2 }
		$1 == "filtering" { f = $2 }
		$1 == "udp-blocked" { b = $2 == "mixed" ? "yes" : $2 }
		$1 == "pooling" && $2 == "per-destination" { also = "|address-dependent" }
		$1 == "pooling" && $2 == "arbitrary" { also = "|address-dependent|address-and-port-dependent" }
		END { print m also, f, b }'
}

# one_run PROFILE TOOL N
one_run() {
	local options=() said ms truth

	[ "$loss" = 0 ] || options=(--loss="$loss%")
	truth=$(truth_of "$1")
	said=$(COMPARE_TOOL=$2 timeout 120 "$natlab" run "$1" "${options[@]}" -- bash "$0")
	ms=${said##* }
	said=${said% *}
	jq -nc --arg profile "$1" --arg tool "$2" --arg truth "$truth" --arg said "$said" \
		--arg result "$(judge "$truth" "$said")" --argjson ms "${ms:-0}" \
		'{$profile, $tool, $truth, $said, $result, $ms}' > "$tmp/$1.$2.$3"
}

run_all() {
	local profile tool n

	for profile; do
		for tool in natprobe natdiscovery stun; do
			for ((n = 0; n < runs; n++)); do
				while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
					wait -n
				done
				one_run "$profile" "$tool" "$n" &
			done
		done
	done
	wait
}

summary() {
	jq -s --argjson loss "$loss" --argjson runs "$runs" '
		def median: sort | .[length / 2 | floor];
		{ bench: "compare", loss_percent: $loss, runs: $runs,
		  tools: (group_by(.tool) | map({ key: .[0].tool, value: {
			right: map(select(.result == "right")) | length,
			unsure: map(select(.result == "unsure")) | length,
			wrong: map(select(.result == "wrong")) | length,
			median_ms: map(.ms) | median,
			most_ms: map(.ms) | max } }) | from_entries),
		  profiles: (group_by(.profile) | map({
			profile: .[0].profile, truth: .[0].truth,
			tools: (group_by(.tool) | map({ key: .[0].tool, value: {
				said: map(.said) | unique,
				right: map(select(.result == "right")) | length,
				unsure: map(select(.result == "unsure")) | length,
				wrong: map(select(.result == "wrong")) | length,
				median_ms: map(.ms) | median } }) | from_entries) })) }' "$tmp"/*.*
}

# A cell: "right, 0.5 s", or with several runs "18 right, 2 wrong; 0.5 s".
table() {
	jq -r '
		def seconds: . / 100 | round / 10 | tostring + " s";
		def counts: [("right", "unsure", "wrong") as $k | select(.[$k] > 0) |
			"\(.[$k]) \($k)"] | join(", ");
		def cell($runs): if . == null then "" else
			(if $runs == 1 then counts | ltrimstr("1 ") else counts end) +
			", " + (.median_ms | seconds) end;
		def short: gsub("[|][^ ]*"; "") | gsub("endpoint-independent"; "EI") |
			gsub("address-and-port-dependent"; "APD") | gsub("address-dependent"; "AD") |
			gsub("port-dependent"; "PD") | split(" ") |
			if .[2] == "yes" then "UDP blocked" else "\(.[0]) / \(.[1])" end;
		.runs as $runs |
		"| | natprobe | turnutils_natdiscovery | stun |", "|---|---|---|---|",
		(("right", "unsure", "wrong") as $k |
			"| **\($k)** | \(.tools.natprobe[$k]) | \(.tools.natdiscovery[$k]) | " +
			"\(.tools.stun[$k]) |"),
		"| **time, median** | \(.tools.natprobe.median_ms | seconds) | " +
			"\(.tools.natdiscovery.median_ms | seconds) | " +
			"\(.tools.stun.median_ms | seconds) |",
		"| **time, longest** | \(.tools.natprobe.most_ms | seconds) | " +
			"\(.tools.natdiscovery.most_ms | seconds) | \(.tools.stun.most_ms | seconds) |",
		"", "| Profile | Mapping / filtering | natprobe | turnutils_natdiscovery | stun |",
		"|---|---|---|---|---|",
		(.profiles[] | "| \(.profile) | \(.truth | short) | " +
			"\(.tools.natprobe | cell($runs)) | \(.tools.natdiscovery | cell($runs)) | " +
			"\(.tools.stun | cell($runs)) |")'
}

# What goes to the laboratory.
export NATPROBE=$natprobe

if [ $# -eq 0 ]; then
	mapfile -t profiles < <("$natlab" list --json | jq -r '.[].name // .profiles[].name')
	set -- "${profiles[@]}"
fi
run_all "$@"
if [ -n "$markdown" ]; then
	summary | table
else
	summary
fi
