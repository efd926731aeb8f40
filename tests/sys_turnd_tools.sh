#!/bin/bash
# turnd, as its operator meets it: options and files that are wrong, users and credentials that it
# makes, what it says without any, reload and drain, its control socket, names that change, names
# that choose a realm, and the command of its systemd unit.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/server.sh"
lab_enter "$@"
lab_need openssl jq xxd turnutils_uclient turnutils_stunclient

turnd=${builddir:-.}/turnd/turnd
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
daemon=("$turnd")
export NO_COLOR=1

[ -x "$turnd" ] || lab_skip "$turnd is not built"
lab_loopback 91.80.1.10 91.80.1.11 203.0.113.10

# relays SERVER OPTION...: a client sends to itself through two allocations, and gets it all.
relays() {
	timeout 20 turnutils_uclient -y -c -n 5 -m 1 -e 91.80.1.11 -X "${@:2}" "$1" > "$tmp/client" 2>&1
	grep -q 'tot_send_msgs=10, tot_recv_msgs=10' "$tmp/client"
}

# refuses SERVER OPTION...: it gets no allocation.
refuses() {
	timeout 20 turnutils_uclient -y -c -n 1 -m 1 -X "${@:2}" "$1" > "$tmp/client" 2>&1
	! grep -q 'allocate response received: success' "$tmp/client" &&
		! grep -q 'tot_recv_msgs=[1-9]' "$tmp/client"
}

answers_stun() {
	timeout 5 turnutils_stunclient -p "${2:-3478}" "$1" 2>&1 | grep -q 'UDP reflexive addr'
}

echo "# the command line, and files that are wrong"
ends 0 '' --help
grep -q -- --relay-address "$tmp/out" || fail "--help has no --relay-address"
ends 0 '' --version
grep -q '^turnd .*[0-9]' "$tmp/out" || fail "--version says $(cat "$tmp/out")"
ends 2 'unknown option --listn' --listn=127.0.0.1
ends 2 'no/such/file' --config no/such/file
ends 2 '--auth-secret-file' --auth-secret=hunter2
while IFS='|' read -r line what; do
	printf '# a comment\n\n%s\n' "$line" > "$tmp/bad.conf"
	ends 2 "bad.conf:3: .*$what" --check-config --config "$tmp/bad.conf"
done << 'END'
lisen = 127.0.0.1|listen
port = 65536|65535
deny-peer = 10.0.0.0/33|prefix
deny-peer = 10.0.0.1/8|host bits
allow-peer-country = DE|geo-database
relay-address = 0.0.0.0|interface
password-file = /dev/null|realm
error-rate = many|error-rate
[relm x]|realm NAME
END
printf 'realm = a\n[user bob]\npassword = hunter2\n' > "$tmp/user.conf"
ends 0 '' --print-config --config "$tmp/user.conf"
! grep -q hunter2 "$tmp/out" || fail "--print-config shows a password"

echo "# without credentials it is a STUN server, and says so"
: > "$tmp/empty.conf"
start --config "$tmp/empty.conf"
logs 'nobody has credentials: this is a STUN server only'
answers_stun 91.80.1.10 || fail "no answer to Binding"
refuses 91.80.1.10 -u alice -w wonderland || fail "it relays without credentials"
stop TERM 0

echo "# users, and credentials that end"
echo wonderland | "$turnd" --add-user alice --realm example.org --password-file "$tmp/users" ||
	fail "no user is added"
echo looking-glass | "$turnd" --add-user eve --realm example.org --password-file "$tmp/users" ||
	fail "no second user is added"
ends 0 '' --remove-user eve --realm example.org --password-file "$tmp/users"
ends 1 'no such user' --remove-user eve --realm example.org --password-file "$tmp/users"
[ "$(stat -c %a "$tmp/users")" = 600 ] || fail "others may read the password file"
! grep -q wonderland "$tmp/users" || fail "the password file has a password"
openssl rand -hex 32 > "$tmp/secrets"
cat > "$tmp/turnd.conf" << END
realm = example.org
listen = 91.80.1.10
workers = 2
password-file = $tmp/users
auth-secret-file = $tmp/secrets
rfc5766-channels = on
control = $tmp/control
admin = 9642
END
ends 0 '' --check-config --config "$tmp/turnd.conf"
start --config "$tmp/turnd.conf"
logs 'relay: from 91.80.1.10'
relays 91.80.1.10 -u alice -w wonderland || fail "no relay for alice: $(tail -n 5 "$tmp/client")"
refuses 91.80.1.10 -u alice -w wrong || fail "a wrong password relays"
"$turnd" --config "$tmp/turnd.conf" --make-credential bob --ttl 1h > "$tmp/credential" ||
	fail "no credential is made"
jq -e '.urls | index("turn:example.org:3478?transport=udp") != null' "$tmp/credential" \
	> "$tmp/out" || fail "no URI in $(cat "$tmp/credential")"
relays 91.80.1.10 -u "$(jq -r .username "$tmp/credential")" \
	-w "$(jq -r .credential "$tmp/credential")" || fail "no relay for a credential that it made"
refuses 91.80.1.10 -u "1000:bob" -w "$(jq -r .credential "$tmp/credential")" ||
	fail "an old credential relays"

echo "# sessions, reload under traffic, kick, drain"
# hold: a client that keeps its allocations for some time, and what it counts in $tmp/held
hold() {
	timeout 60 turnutils_uclient -y -c -n "$1" -m 1 -e 91.80.1.11 -X -u alice -w wonderland \
		91.80.1.10 > "$tmp/held" 2>&1 &
	holder=$!
	for _ in $(seq 600); do
		"$turnd" --config "$tmp/turnd.conf" --sessions > "$tmp/sessions"
		[ -s "$tmp/sessions" ] && return
		sleep 0.05
	done
	fail "no session is listed"
}

hold 100
jq -es 'all(.realm == "example.org" and .transport == "udp" and (.left_s > 60))' \
	"$tmp/sessions" > "$tmp/out" || fail "sessions are $(cat "$tmp/sessions")"
echo 'listen = nowhere' >> "$tmp/turnd.conf"
kill -HUP "$pid"
logs 'all stays as it was: .*turnd.conf:9: listen'
sed -i '$d' "$tmp/turnd.conf"
echo "max-channels = 7" >> "$tmp/turnd.conf"
for _ in 1 2 3; do
	kill -HUP "$pid"
	sleep 0.1
done
logs 'reload: the new configuration is in effect'
wait "$holder"
grep -q 'tot_send_msgs=200, tot_recv_msgs=200' "$tmp/held" ||
	fail "a reload cost packets: $(tail -n 3 "$tmp/held")"

hold 100
id=$(jq -rs '.[0].id' "$tmp/sessions")
"$turnd" --config "$tmp/turnd.conf" --kick "$id" || fail "$id is not kicked"
"$turnd" --config "$tmp/turnd.conf" --sessions > "$tmp/sessions"
jq -es --arg id "$id" 'all(.id != $id)' "$tmp/sessions" > "$tmp/out" || fail "$id is still there"
ends 1 'no session' --config "$tmp/turnd.conf" --kick 9.9
kill "$holder"
wait "$holder" 2> "$tmp/null"
"$turnd" --config "$tmp/turnd.conf" --sessions | jq -r .id | while read -r id; do
	"$turnd" --config "$tmp/turnd.conf" --kick "$id"
done
hold 100
ready() {
	exec 3<> /dev/tcp/127.0.0.1/9642
	printf 'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n' >&3
	head -n 1 <&3 | cut -d ' ' -f 2
	exec 3>&-
}
[ "$(ready)" = 200 ] || fail "it is not ready"
"$turnd" --config "$tmp/turnd.conf" --drain || fail "it does not drain"
[ "$(ready)" = 503 ] || fail "it is ready while it drains"
refuses 91.80.1.10 -u alice -w wonderland || fail "it allocates while it drains"
"$turnd" --config "$tmp/turnd.conf" --undrain || fail "it goes on draining"
relays 91.80.1.10 -u alice -w wonderland || fail "it allocates nothing after draining"
kill -s USR1 "$pid"
logs 'drain: no new allocations'
kill "$holder" 2> "$tmp/null"
wait "$holder" 2> "$tmp/null"
"$turnd" --config "$tmp/turnd.conf" --sessions | jq -r .id | while read -r id; do
	"$turnd" --config "$tmp/turnd.conf" --kick "$id"
done
wait "$pid" || fail "drained, it ended with $?"
logs 'drained: nobody is left'
[ ! -e "$tmp/control" ] || fail "the control socket is left behind"
ends 1 'No such file' --config "$tmp/turnd.conf" --sessions

if command -v sqlite3 > "$tmp/null" && "$turnd" --print-config | grep -q user-database; then
	echo "# users of a database, read again when it has changed"
	read -r md5 sha256 name < <(tail -n 1 "$tmp/users")
	sqlite3 "$tmp/users.sqlite" "CREATE TABLE turn_users (realm TEXT NOT NULL, name TEXT NOT NULL,
		md5 TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (realm, name));"
	cat > "$tmp/sqlite.conf" <<- END
		realm = example.org
		listen = 91.80.1.10
		rfc5766-channels = on
		user-database = $tmp/users.sqlite
		refresh-every = 1s
	END
	if "$turnd" --check-config --config "$tmp/sqlite.conf" 2> "$tmp/err"; then
		start --config "$tmp/sqlite.conf"
		logs 'has no users'
		refuses 91.80.1.10 -u alice -w wonderland || fail "an empty database relays"
		sqlite3 "$tmp/users.sqlite" \
			"INSERT INTO turn_users VALUES ('example.org', '$name', '$md5', '$sha256')"
		sleep 2
		relays 91.80.1.10 -u alice -w wonderland ||
			fail "no relay for a user of the database: $(tail -n 3 "$tmp/client")"
		stop TERM 0
	else
		grep -q 'without SQLite' "$tmp/err" || fail "$(cat "$tmp/err")"
		echo "not checked: users of a database (built without SQLite)"
	fi
else
	echo "not checked: users of a database (no sqlite3)"
fi

# What is written below /etc and /run from here on ends with our namespace of mounts.
own_folder() {
	mkdir "$tmp/own" && mount -t tmpfs none "$tmp/own" && mkdir "$tmp/own/upper" &&
		cp -a "$1/." "$tmp/own/upper" 2> "$tmp/null"
	mount --bind "$tmp/own/upper" "$1" && umount -l "$tmp/own" && rmdir "$tmp/own"
}

if own_folder /etc && mount -t tmpfs none /run; then
	echo "# names in relay-address are looked up again"
	echo '91.80.1.10 relay.test' > /etc/hosts
	cat > "$tmp/name.conf" <<- END
		realm = example.org
		listen = 91.80.1.10
		relay-address = 91.80.1.10 public relay.test
		password-file = $tmp/users
		resolve-every = 1s
	END
	start --config "$tmp/name.conf"
	logs 'from 91.80.1.10$'
	echo '91.80.1.77 relay.test' > /etc/hosts
	for _ in $(seq 600); do
		grep -q 'which clients see as 91.80.1.77' "$tmp/log" && break
		sleep 0.05
	done
	logs 'which clients see as 91.80.1.77'
	stop TERM 0
else
	echo "not checked: names that change (no mounts here)"
fi

echo "# certificate and realm are those of the name that is asked for"
for name in a.example b.example; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=$name" -keyout "$tmp/$name.key" -out "$tmp/$name.pem" 2> "$tmp/err" ||
		fail "$(cat "$tmp/err")"
done
cat > "$tmp/names.conf" << END
realm = a.example
listen = 91.80.1.10
cert-file = $tmp/a.example.pem
key-file = $tmp/a.example.key
rfc5766-channels = on
[user alice]
password = wonderland
[realm b.example]
server-name = b.example, turn.b.example
cert-file = $tmp/b.example.pem
key-file = $tmp/b.example.key
[user bob]
password = builder
realm = b.example
END
start --config "$tmp/names.conf"

# greets REALM OPTION...: an Allocate of somebody unknown is told this realm, behind its certificate.
greets() {
	{
		printf '\0\3\0\x08\x21\x12\xa4\x42natkit-test\0\0\x19\0\4\x11\0\0\0'
		sleep 0.4
	} | timeout 5 openssl s_client "${@:2}" -connect 91.80.1.10:5349 -alpn stun.turn -quiet \
		-no_ign_eof > "$tmp/out" 2> "$tmp/err"
	grep -q "CN *= *$1" "$tmp/err" || fail "${*:2}: not the certificate of $1: $(cat "$tmp/err")"
	grep -qa "$1" "$tmp/out" || fail "${*:2}: not the realm $1: $(xxd -p "$tmp/out")"
}
for over in -tls1_2 -tls1_3 -dtls1_2; do
	greets a.example $over -noservername
	greets a.example $over -servername a.example
	greets a.example $over -servername nobody.example
	greets b.example $over -servername turn.B.example
done
relays 91.80.1.10 -u alice -w wonderland || fail "alice is not let in: $(tail -n 5 "$tmp/client")"
refuses 91.80.1.10 -u bob -w builder || fail "bob is let in where he is unknown"
stop TERM 0

echo "# the command of the unit, with the sample configuration"
unit=${builddir:-.}/packaging/turnd.service
read -r program option < <(sed -n 's/^ExecStart=//p' "$unit")
[ "${program##*/}" = turnd ] || fail "ExecStart does not start turnd"
[[ $option == --config=*/turnd.conf ]] ||
	fail "ExecStart gives $option, not the configuration"
cp "${srcdir:-.}/packaging/turnd.conf" "$tmp/turnd.conf"
start "--config=$tmp/${option##*/}"
answers_stun 91.80.1.10 || fail "no answer to Binding from what the unit starts"
stop TERM 0

exit "$failed"
