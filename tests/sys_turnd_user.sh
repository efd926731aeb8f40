#!/bin/bash
# turnd that root starts and that becomes another user: files that only root may read serve it until
# it ends, it says which ones a reload will not get at, and how to cure that.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/server.sh"
lab_enter "$@"

turnd=${builddir:-.}/turnd/turnd
attack=${builddir:-.}/tests/attack
for tool in "$turnd" "$attack"; do
	[ -x "$tool" ] || lab_skip "$tool is not built"
done
lab_need setpriv openssl
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
daemon=("$turnd" --config "$tmp/turnd.conf")
setpriv --reuid nobody --clear-groups true 2> "$tmp/err" ||
	lab_skip "nobody can be become here: $(cat "$tmp/err")"
group=$(id -gn nobody)
lab_loopback 91.80.1.10
export NO_COLOR=1

lets_alice_in() {
	"$attack" allocate 91.80.1.10 alice wonderland > "$tmp/out" 2>&1 ||
		fail "$1: alice is not let in: $(cat "$tmp/out")"
}

chmod 755 "$tmp"
echo wonderland | "$turnd" --add-user alice --realm example.org --password-file "$tmp/users" ||
	fail "no user is added"
openssl rand -hex 32 > "$tmp/nonces"
chmod 600 "$tmp/users" "$tmp/nonces"
cat > "$tmp/turnd.conf" << END
realm = example.org
listen = 91.80.1.10
draining = on
control = $tmp/control
password-file = $tmp/users
nonce-key-file = $tmp/nonces
END
chmod 644 "$tmp/turnd.conf"

echo "# what it may not read any more is named, with the cure"
start --user nobody
logs 'user: runs without privileges now'
for i in users nonces; do
	logs "user: $tmp/$i: the user nobody may not read it, .*: chgrp $group and chmod g+r"
done
[ "$(grep -c 'may not read' "$tmp/log")" = 2 ] || fail "too much is named: $(cat "$tmp/log")"

echo "# what reads nothing goes on"
"$turnd" --config "$tmp/turnd.conf" --undrain 2> "$tmp/err" ||
	fail "it drains for ever: $(cat "$tmp/err")"
lets_alice_in "not draining any more"

echo "# a reload is refused, and all stays as it was"
kill -s HUP "$pid"
logs "reload: all stays as it was: $tmp/turnd.conf:[56]: .*-file: .*$tmp/.*: Permission denied"
for _ in $(seq 600); do
	[ "$(grep -c 'the user nobody may not read it' "$tmp/log")" -lt 4 ] || break
	sleep 0.05
done
[ "$(grep -c 'the user nobody may not read it' "$tmp/log")" = 4 ] ||
	fail "the cure is not named again: $(cat "$tmp/log")"
lets_alice_in "behind a reload that failed"

echo "# cured as it was said, it works"
chgrp "$group" "$tmp/users" "$tmp/nonces"
chmod g+r "$tmp/users" "$tmp/nonces"
sed -i '/^draining/d' "$tmp/turnd.conf"
kill -s HUP "$pid"
logs 'reload: the new configuration is in effect'
lets_alice_in "behind a reload"
stop TERM 0
exit "$failed"
