# shellcheck shell=bash
# shellcheck disable=SC2034	# for those who source it
#
# profiles.sh - networks with one kind of NAT in the middle, and what a true verdict on it says.
#
#	. tests/lab/lab.sh; lab_enter "$@"; . tests/lab/profiles.sh
#	lab_profile full-cone
#
# builds   home --- box --- web
#
# where programs under test run in home, box is the NAT, and web has the servers' addresses
# ($LAB_SERVERS). The truth about home's interfaces is then in $LAB_TRUTH, a line for each:
#
#	IF FAMILY NAT FIREWALL UDP_BLOCKED MAPPING FILTERING MAPPED_ADDRESS
#
# in natprobe's words, which are those of RFC 4787; MAPPED_ADDRESS ends with /tcp where only TCP tells.

LAB_PROFILES=(public firewall firewall-by-address masquerade masquerade-random masquerade-by-address
	masquerade-by-port pool-by-address full-cone address-restricted udp-blocked ipv6-firewall two-nats)

EI=endpoint-independent
AD=address-dependent
APD=address-and-port-dependent
PD=port-dependent

LAB_WAN=84.20.3.2
LAB_WAN2=84.20.3.7
LAB_SERVERS=(91.80.1.10 91.80.1.11)
LAB_SERVERS6=(2a06:1300:1::10 2a06:1300:1::11)

# A box of the shops drops what comes to itself from outside. It matters: were it to accept, conntrack
# would keep an entry for an early packet of a peer, and home's own flow to that peer gets another port.
lab_guard_box() {
	lab_nft box << 'END'
table inet guard {
	chain input {
		type filter hook input priority filter; policy drop
		iifname != "wan*" accept
		ct state established,related accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
	}
}
END
}

lab_firewall_box() {
	lab_nft box << 'END'
table inet firewall {
	chain forward {
		type filter hook forward priority filter; policy drop
		iifname "lan" accept
		ct state established,related accept
	}
}
END
}

# Who was sent to may answer from any port.
lab_firewall_by_address_box() {
	lab_nft box << 'END'
table inet firewall {
	set spoken {
		type ipv4_addr . inet_service . ipv4_addr
		flags dynamic,timeout
		timeout 60s
	}
	chain forward {
		type filter hook forward priority filter; policy drop
		iifname "lan" meta l4proto udp update @spoken { ip saddr . udp sport . ip daddr } accept
		iifname "wan" meta l4proto udp ip daddr . udp dport . ip saddr @spoken accept
		meta l4proto tcp accept
	}
}
END
}

# Other outer ports for each address of a server (RFC 4787, section 4.1: address-dependent).
lab_masquerade_by_address_box() {
	lab_nft box << END
table ip nat {
	chain post {
		type nat hook postrouting priority srcnat
		oifname "wan" meta l4proto { tcp, udp } ip daddr ${LAB_SERVERS[0]} masquerade to :20000-20999
		oifname "wan" meta l4proto { tcp, udp } masquerade to :21000-21999
	}
}
END
}

# Another outer address for each server, and the same port: where an operator spreads its users over
# several, a socket keeps its number, and which address it shows is a matter of pooling.
lab_pool_by_address_box() {
	lab_in box ip address add "$LAB_WAN2/24" dev wan
	lab_nft box << END
table ip nat {
	chain post {
		type nat hook postrouting priority srcnat
		oifname "wan" ip daddr ${LAB_SERVERS[0]} snat to $LAB_WAN
		oifname "wan" snat to $LAB_WAN2
	}
}
END
}

# Other outer ports for each port of a server; no RFC has a name for it.
lab_masquerade_by_port_box() {
	lab_nft box << 'END'
table ip nat {
	chain post {
		type nat hook postrouting priority srcnat
		oifname "wan" udp dport 3478 masquerade to :20000-20999
		oifname "wan" meta l4proto udp masquerade to :21000-21999
	}
}
END
}

lab_masquerade_box() {
	lab_nft "${2:-box}" << END
table ip nat {
	chain post {
		type nat hook postrouting priority srcnat
		oifname "wan" masquerade $1
	}
}
END
}

# Masquerade, and a map of who stands behind each outer port ("reply" is the direction from outside,
# so its destination is the outer address). Whoever sends to an outer port reaches the one behind it.
lab_full_cone_box() {
	lab_nft box << 'END'
table ip cone {
	map behind {
		type inet_service : ipv4_addr . inet_service
		flags dynamic,timeout
		timeout 60s
	}
	chain pre {
		type nat hook prerouting priority dstnat
		iifname "wan" dnat ip to udp dport map @behind
	}
	chain learn {
		type filter hook postrouting priority srcnat + 10
		oifname "wan" meta l4proto udp ct direction original update @behind { ct reply proto-dst : ct original ip saddr . ct original proto-src }
	}
}
END
}

# The same with the peer's address in the key: only where home sent something may answer, from any port.
lab_address_restricted_box() {
	lab_nft box << 'END'
table ip cone {
	map behind {
		type inet_service . ipv4_addr : ipv4_addr . inet_service
		flags dynamic,timeout
		timeout 60s
	}
	chain pre {
		type nat hook prerouting priority dstnat
		iifname "wan" dnat ip to udp dport . ip saddr map @behind
	}
	chain learn {
		type filter hook postrouting priority srcnat + 10
		oifname "wan" meta l4proto udp ct direction original update @behind { ct reply proto-dst . ip daddr : ct original ip saddr . ct original proto-src }
	}
}
END
}

lab_no_udp_box() {
	lab_nft box << 'END'
table inet no_udp {
	chain forward {
		type filter hook forward priority filter
		meta l4proto udp drop
	}
}
END
}

# lab_loss_box NODE PERCENT: loses that many packets of each direction, at random.
lab_loss_box() {
	lab_nft "$1" << END
table inet loss {
	chain pre {
		type filter hook prerouting priority raw
		meta l4proto { tcp, udp } numgen random mod 100 < $2 drop
	}
}
END
}

# lab_street HOME_ADDRESS BOX_ADDRESS: one home behind one box, before the web.
lab_street() {
	lab_node home
	lab_node box
	lab_node web
	lab_link home:eth0 "$1" box:lan "$2"
	lab_link box:wan "$LAB_WAN/24" web:eth0 "84.20.3.1/24,${LAB_SERVERS[0]}/32,${LAB_SERVERS[1]}/32"
	lab_route home default via "${2%/*}"
	lab_route box default via 84.20.3.1
	lab_router box
	lab_guard_box
}

lab_private_street() {
	lab_street 192.168.1.2/24 192.168.1.1/24
}

lab_public_street() {
	lab_street 84.20.9.2/24 84.20.9.1/24
	lab_route web 84.20.9.0/24 via "$LAB_WAN"
}

lab_street6() {
	LAB_SERVERS=("${LAB_SERVERS6[@]}")
	lab_node home ipv6
	lab_node box ipv6
	lab_node web ipv6
	lab_link home:eth0 2a06:1300:9::2/64 box:lan 2a06:1300:9::1/64
	lab_link box:wan 2a06:1300:3::2/64 \
		web:eth0 "2a06:1300:3::1/64,${LAB_SERVERS[0]}/128,${LAB_SERVERS[1]}/128"
	lab_route home default via 2a06:1300:9::1
	lab_route box default via 2a06:1300:3::1
	lab_route web 2a06:1300:9::/64 via 2a06:1300:3::2
	lab_router box
	lab_guard_box
}

# As on a desktop: two default routes, of which the kernel prefers the cable's.
lab_second_street() {
	lab_node box2
	lab_link home:wlan0 10.7.0.2/24 box2:lan 10.7.0.1/24
	lab_link box2:wan 77.30.4.2/24 web:eth1 77.30.4.1/24
	lab_route home default via 10.7.0.1 metric 600
	lab_route box2 default via 77.30.4.1
	lab_router box2
}

# lab_profile NAME [LOSS_PERCENT]
lab_profile() {
	local node boxes=(box)

	case $1 in
	public)
		lab_public_street
		LAB_TRUTH="eth0 ipv4 no no no none $EI 84.20.9.2"
		;;
	firewall)
		lab_public_street
		lab_firewall_box
		LAB_TRUTH="eth0 ipv4 no yes no none $APD 84.20.9.2"
		;;
	firewall-by-address)
		lab_public_street
		lab_firewall_by_address_box
		LAB_TRUTH="eth0 ipv4 no yes no none $AD 84.20.9.2"
		;;
	masquerade-by-address)
		lab_private_street
		lab_masquerade_by_address_box
		LAB_TRUTH="eth0 ipv4 yes no no $AD $APD $LAB_WAN"
		;;
	pool-by-address)
		lab_private_street
		lab_pool_by_address_box
		LAB_TRUTH="eth0 ipv4 yes no no $EI $APD $LAB_WAN"
		;;
	masquerade-by-port)
		lab_private_street
		lab_masquerade_by_port_box
		LAB_TRUTH="eth0 ipv4 yes no no $PD $APD $LAB_WAN"
		;;
	masquerade)
		lab_private_street
		lab_masquerade_box ""
		LAB_TRUTH="eth0 ipv4 yes no no $EI $APD $LAB_WAN"
		;;
	masquerade-random)
		lab_private_street
		lab_masquerade_box fully-random
		LAB_TRUTH="eth0 ipv4 yes no no $APD $APD $LAB_WAN"
		;;
	full-cone)
		lab_private_street
		lab_masquerade_box ""
		lab_full_cone_box
		LAB_TRUTH="eth0 ipv4 yes no no $EI $EI $LAB_WAN"
		;;
	address-restricted)
		lab_private_street
		lab_masquerade_box ""
		lab_address_restricted_box
		LAB_TRUTH="eth0 ipv4 yes no no $EI $AD $LAB_WAN"
		;;
	udp-blocked)
		lab_private_street
		lab_masquerade_box ""
		lab_no_udp_box
		LAB_TRUTH="eth0 ipv4 yes unknown yes unknown unknown $LAB_WAN/tcp"
		;;
	ipv6-firewall)
		lab_street6
		lab_firewall_box
		LAB_TRUTH="eth0 ipv6 no yes no none $APD 2a06:1300:9::2"
		;;
	two-nats)
		lab_private_street
		lab_masquerade_box ""
		lab_full_cone_box
		lab_second_street
		lab_masquerade_box fully-random box2
		boxes+=(box2)
		LAB_TRUTH="eth0 ipv4 yes no no $EI $EI $LAB_WAN
wlan0 ipv4 yes no no $APD $APD 77.30.4.2"
		;;
	*)
		echo "lab_profile: no profile $1" >&2
		return 1
		;;
	esac
	for node in "${boxes[@]}"; do
		[ "${2:-0}" = 0 ] || lab_loss_box "$node" "$2"
	done
}
