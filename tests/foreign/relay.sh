# shellcheck shell=bash
#
# relay.sh - a relay server in a small network, for clients that we did not write.
#
#	. "${srcdir:-.}/tests/lab/lab.sh"
#	. "${srcdir:-.}/tests/foreign/relay.sh"
#	lab_enter "$@"
#	relay_start                      # skips where it cannot be
#	relay_serve plain 3478 users
#	lab_in client ...
#	exit "$failed"
#
# The server is turnd; with NATKIT_FOREIGN=coturn it is coturn, which tells whether a test or turnd
# is wrong. Names of the network, all of them ordinary public addresses:
#
#	relay_ip, relay_ip6        the server: UDP and TCP on a port, TLS and DTLS relay_tls above
#	relay_name                 what its certificate says, for relay_ip
#	client_ip, client_ip6      the client
#	peer_ip, peer_ip6          a second address of the client's host: who is talked to
#	relay_user, relay_password, relay_realm, relay_secret (of the REST API)
#	relay_ca                   the certificate of the authority
#	relay_tmp                  files of this test

relay_ip=91.80.1.10 relay_ip6=2a01:4f8:1::10
client_ip=91.80.1.20 client_ip6=2a01:4f8:1::20
peer_ip=91.80.1.30 peer_ip6=2a01:4f8:1::30
relay_name=relay.example.org
relay_user=alice relay_password=wonderland relay_realm=example.org relay_secret=looking-glass
relay_tls=1871 # 3478 and 5349
relay_server=${NATKIT_FOREIGN:-turnd}

relay_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=natkit test authority" -keyout "$relay_tmp/ca.key" -out "$relay_ca" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign &&
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
			-subj "/CN=$relay_name" -keyout "$relay_tmp/key.pem" -out "$relay_tmp/csr.pem" &&
		openssl x509 -req -in "$relay_tmp/csr.pem" -CA "$relay_ca" \
			-CAkey "$relay_tmp/ca.key" -CAcreateserial -days 2 -out "$relay_tmp/cert.pem" \
			-extfile <(echo "subjectAltName=DNS:$relay_name,IP:$relay_ip,IP:$relay_ip6")
}

relay_network() {
	local i

	lab_node relay ipv6
	lab_node client ipv6
	lab_link relay:eth0 $relay_ip/24,$relay_ip6/64 \
		client:eth0 $client_ip/24,$peer_ip/24,$client_ip6/64,$peer_ip6/64
	lab_route client default via $relay_ip
	lab_router relay # says at once that the rest of the world is not there
	for ((i = 0; i < 600; i++)); do # some clients leave out what is not running yet
		lab_in client ip link show eth0 | grep -q 'state UP' && break
		sleep 0.05
	done
}

# relay_coturn NAME PORT OPTION...: an older release; it needs no more than its options.
relay_coturn() {
	lab_spawn relay "$relay_tmp/$1.log" turnserver -n -L $relay_ip -L $relay_ip6 -E $relay_ip \
		-E $relay_ip6 --listening-port="$2" --tls-listening-port=$(($2 + relay_tls)) \
		-r $relay_realm --cert "$relay_tmp/cert.pem" --pkey "$relay_tmp/key.pem" \
		--no-cli --log-file=stdout --simple-log --pidfile="$relay_tmp/$1.pid" \
		--userdb="$relay_tmp/$1.db" "${@:3}"
}

# relay_turnd NAME PORT LINE...: more lines of configuration, sections last.
relay_turnd() {
	printf '%s\n' "listen = $relay_ip" "listen = $relay_ip6" "port = $2" \
		"tls-port = $(($2 + relay_tls))" "cert-file = $relay_tmp/cert.pem" \
		"key-file = $relay_tmp/key.pem" "relay-address = $relay_ip" \
		"relay-address = $relay_ip6" \
		"realm = $relay_realm" "${@:3}" > "$relay_tmp/$1.conf"
	lab_spawn relay "$relay_tmp/$1.log" "${builddir:-.}/turnd/turnd" \
		--config "$relay_tmp/$1.conf"
}

# relay_tokens NAME: keys that turnutils_uclient knows, where turnd and coturn read them.
relay_tokens() {
	(umask 077 && cat > "$relay_tmp/tokens") <<- 'END'
		north A256GCM MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEK
		union A128GCM MTIzNDU2Nzg5MDEyMzQ1Ngo=
		oldempire A256GCM MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIK
	END
	[ "$relay_server" = coturn ] || return 0
	/usr/bin/python3 - "$relay_tmp/$1.db" "$relay_tmp/tokens" <<- 'END'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1])
		db.executescript(open("/usr/share/coturn/schema.sql").read())
		for line in open(sys.argv[2]):
		    db.execute("insert into oauth_key (kid,as_rs_alg,ikm_key,timestamp,lifetime,realm)"
		               " values(?,?,?,0,0,'')", line.split())
		db.commit()
	END
}

# relay_ready PORT: until it listens for UDP, TCP and TLS on both addresses; 10 seconds at most.
relay_ready() {
	local i

	for ((i = 0; i < 600; i++)); do
		if [ "$(lab_in relay ss -Hltn "sport = :$1 or sport = :$(($1 + relay_tls))" |
			awk '{ print $4 }' | sort -u | wc -l)" = 4 ] &&
			[ "$(lab_in relay ss -Hlun "sport = :$1" | wc -l)" -ge 2 ]; then
			return
		fi
		sleep 0.05
	done
	return 1
}

# relay_serve NAME PORT FEATURE...: one server. Features are users (with a password), rest, oauth,
# mobility, tcp (to peers), and channels, the range of RFC 5766; coturn has the last two always.
relay_serve() {
	local feature coturn=() turnd=() sections=()

	for feature in "${@:3}"; do
		case $feature in
		users)
			coturn+=(-a -u "$relay_user:$relay_password")
			sections+=("[user $relay_user]" "password = $relay_password")
			;;
		rest)
			coturn+=(--use-auth-secret --static-auth-secret="$relay_secret")
			turnd+=("auth-secret-file = $relay_tmp/secret")
			;;
		oauth)
			coturn+=(-a --oauth --server-name="$relay_name")
			turnd+=("oauth-server-name = $relay_name"
				"oauth-key-file = $relay_tmp/tokens")
			relay_tokens "$1"
			;;
		mobility)
			coturn+=(--mobility)
			turnd+=("mobility = on")
			;;
		tcp) turnd+=("tcp-relay = on") ;;
		channels) turnd+=("rfc5766-channels = on") ;;
		esac
	done
	if [ "$relay_server" = coturn ]; then
		relay_coturn "$1" "$2" "${coturn[@]}"
	else
		relay_turnd "$1" "$2" "${turnd[@]}" "${sections[@]}"
	fi
	relay_ready "$2" && return
	echo "FAIL: $relay_server is not ready: $(tail -n 20 "$relay_tmp/$1.log")"
	exit 1
}

# relay_start: the network and what servers need, or skips.
relay_start() {
	case $relay_server in
	coturn) lab_need turnserver ;;
	*) [ -x "${builddir:-.}/turnd/turnd" ] || lab_skip "turnd is not built" ;;
	esac
	lab_need openssl
	relay_tmp=$(mktemp -d)
	trap 'rm -rf "$relay_tmp"' EXIT
	relay_ca=$relay_tmp/ca.pem
	(umask 077 && echo "$relay_secret" > "$relay_tmp/secret")
	relay_certificate > "$relay_tmp/openssl.log" 2>&1 ||
		lab_skip "no certificate: $(tail -n 1 "$relay_tmp/openssl.log")"
	relay_network
}
