# shellcheck shell=bash
#
# lab.sh - small networks for tests, made of namespaces that end with the script.
#
#	. "${srcdir:-.}/tests/lab/lab.sh"	# in `make check`; $builddir/tests/lab/netns is built
#	lab_enter "$@"                # the rest runs inside; 77 and a reason where that cannot be
#	lab_node home; lab_node box; lab_node web
#	lab_link home:eth0 192.168.1.2/24 box:lan 192.168.1.1/24
#	lab_link box:wan 84.20.3.2/24 web:eth0 84.20.3.1/24,91.80.1.11/32
#	lab_route home default via 192.168.1.1
#	lab_router box
#	lab_nft box <<< 'table ip nat { ... }'
#	lab_spawn web stund.log stund ...
#	lab_in home natprobe ...
#
# The script itself stands in one more namespace that has only loopback; a test that needs nothing
# but some addresses takes them from there: lab_loopback 91.80.1.10 91.80.1.11.
#
# Background jobs need not be killed: they end with the script, however that ends. Addresses in here
# are ordinary public ones, since programs treat documentation addresses as private.

declare -A LAB_PID=()

# fail WHAT...: one more thing is wrong. The test goes on, and ends with: exit "$failed"
failed=0
# shellcheck disable=SC2034	# for those who source it
fail() {
	echo "FAIL: $*"
	failed=1
}

# lab_skip REASON: ends the test as skipped.
lab_skip() {
	echo "SKIP: $*"
	exit 77
}

lab_need() {
	local tool

	for tool; do
		command -v "$tool" > /dev/null || lab_skip "$tool is not installed"
	done
}

# lab_need_sctp NATPROBE: its links need libusrsctp.
lab_need_sctp() {
	! "$1" link --code-file /dev/null 2>&1 | grep -q 'built without' ||
		lab_skip "natprobe was built without libusrsctp"
}

# lab_enter "$@": runs the calling script again, inside. Debian keeps ip and nft in /usr/sbin, which
# is not in the PATH of ordinary users.
lab_enter() {
	PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
	lab_need ip nft nsenter ss unshare
	if [ -z "${LAB_INSIDE:-}" ]; then
		LAB_INSIDE=1 exec "${builddir:-.}/tests/lab/netns" bash "$0" "$@"
	fi
	unset LAB_INSIDE
}

# lab_loopback ADDRESS...: more addresses on the script's own loopback, ready at once.
lab_loopback() {
	local address

	for address; do
		case $address in
		*:*) ip address add "$address/128" dev lo nodad ;;
		*) ip address add "$address/32" dev lo ;;
		esac
	done
}

# lab_node NAME [ipv6]: a host. Without the second word it has no IPv6 at all, not even link-local
# addresses; with it, addresses are usable at once (no duplicate address detection). Link-local ones
# must be there then: a router without them cannot ask for its neighbours.
lab_node() {
	local out

	exec {out}< <(exec unshare --net -- bash -c 'echo; exec sleep infinity')
	LAB_PID[$1]=$!
	read -r -u "$out"
	exec {out}<&-
	lab_in "$1" bash -s -- "${2:-ipv4}" << 'END'
	ip link set lo up
	cd /proc/sys/net || exit
	for i in all default; do
		echo 0 > ipv4/conf/$i/rp_filter
		if [ "$1" = ipv6 ]; then
			echo 0 > ipv6/conf/$i/accept_dad
			echo 0 > ipv6/conf/$i/accept_ra
		elif [ -d ipv6 ]; then
			echo 1 > ipv6/conf/$i/disable_ipv6
		fi
	done
	# With it, a bridge hands frames to the packet filter and hairpinned packets miss their SNAT.
	for i in bridge/bridge-nf-call-*tables; do
		[ ! -w "$i" ] || echo 0 > "$i"
	done
END
}

# lab_in NODE COMMAND...: runs it there.
lab_in() {
	nsenter --target "${LAB_PID[$1]}" --net -- "${@:2}"
}

# lab_spawn NODE LOG COMMAND...: runs it there in the background; $! is the command's own process.
lab_spawn() {
	: > "$2" # at once: what an earlier one told there is not its own
	nsenter --target "${LAB_PID[$1]}" --net -- "${@:3}" > "$2" 2>&1 &
}

# lab_await NODE COUNT PORT...: until COUNT UDP sockets are bound to one of these ports there; fails
# after 10 seconds. A server that is ready is not asked too early.
lab_await() {
	local filter i

	printf -v filter ' or sport = :%s' "${@:3}"
	for ((i = 0; i < 600; i++)); do
		[ "$(lab_in "$1" ss -Hlun "${filter# or }" | wc -l)" -lt "$2" ] || return 0
		sleep 0.05
	done
	return 1
}

# lab_link NODE:IF ADDRESSES NODE:IF ADDRESSES: a cable; ADDRESSES is a list with commas, or "-".
lab_link() {
	local pid_a=${LAB_PID[${1%%:*}]} pid_b=${LAB_PID[${3%%:*}]}

	ip link add name "${1##*:}" netns "$pid_a" type veth peer name "${3##*:}" netns "$pid_b"
	lab_address "${1%%:*}" "${1##*:}" "$2"
	lab_address "${3%%:*}" "${3##*:}" "$4"
}

# lab_address NODE IF ADDRESSES
lab_address() {
	local address list

	IFS=, read -r -a list <<< "${3#-}"
	for address in "${list[@]}"; do
		lab_in "$1" ip address add "$address" dev "$2"
	done
	lab_in "$1" ip link set "$2" up
}

# lab_route NODE ROUTE...: as ip route add takes it.
lab_route() {
	lab_in "$1" ip route add "${@:2}"
}

# lab_sysctl NODE KEY=VALUE...: KEY without its leading "net.".
lab_sysctl() {
	local node=$1 setting key

	shift
	for setting; do
		key=${setting%%=*}
		lab_in "$node" tee "/proc/sys/net/${key//.//}" <<< "${setting#*=}" > /dev/null
	done
}

# lab_router NODE: forwards IPv4, and IPv6 where the node has it.
lab_router() {
	lab_sysctl "$1" ipv4.ip_forward=1
	lab_sysctl "$1" ipv6.conf.all.forwarding=1 2> /dev/null || true
}

# lab_nft NODE: takes a ruleset from stdin.
lab_nft() {
	lab_in "$1" nft -f -
}
