#!/bin/bash
# The WireGuard tunnel of doc/examples/wireguard: two hosts of natlab, each behind a NAT that lets in
# nobody else, meet by a code; over the path that natprobe connect makes, data goes both ways through
# the tunnel, and nothing is left behind. With wireguard-go, whatever the kernel has.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/stories.sh"
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
stories_begin wg wireguard-go ip python3 unshare
why=$("$natlab" run open-internet -- unshare -m mount -t tmpfs tmpfs /run 2>&1) || lab_skip "$why"
unset TUNNEL_NET
mkdir "$tmp/bin"
ip=$(command -v ip)
export ip tunnel="$src/doc/examples/wireguard/tunnel.sh"

# No WireGuard in the kernel, so that it is wireguard-go.
cat > "$tmp/bin/ip" << 'END'
#!/bin/sh
case "$*" in *"type wireguard"*) exit 2 ;; esac
exec "$ip" "$@"
END

# What runs in the tunnel: each sends the other one data over TCP, and both say what came.
cat > "$tmp/exchange.py" << 'END'
import hashlib, os, socket, sys, threading, time

own, peer = os.environ["TUNNEL_OWN"], os.environ["TUNNEL_PEER"]
sent = os.urandom(200000)
family = socket.AF_INET6 if ":" in own else socket.AF_INET
server = socket.create_server((own, 4000), family=family)


def serve():
    connection = server.accept()[0]
    connection.sendall(sent)
    connection.close()


thread = threading.Thread(target=serve)
thread.start()
for _ in range(100):
    try:
        client = socket.create_connection((peer, 4000), timeout=10)
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
came = b""
while data := client.recv(65536):
    came += data
thread.join()
time.sleep(0.5)  # the last acknowledgment, before the tunnel goes
print("sent", hashlib.sha256(sent).hexdigest())
print("came", hashlib.sha256(came).hexdigest())
END

# One side: sockets of WireGuard in a /run of its own, IPv6 where it can be had.
cat > "$tmp/side" << 'END'
#!/bin/sh
mount -t tmpfs tmpfs /run
(echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6) 2> /dev/null || export TUNNEL_NET=10.77.0.
PATH=$tmp/bin:$PATH
"$natprobe" connect --code-file "$tmp/code" -- "$tunnel" %innerip% %innerport% %peerip% %peer% \
	python3 "$tmp/exchange.py" > "$tmp/$1" || exit
for i in 1 2 3 4 5 6 7 8 9 10; do
	[ -z "$("$ip" link show | grep wg-)" ] && [ -z "$(ls /run/wireguard)" ] && exit
	sleep 0.1
done
echo "left behind: $("$ip" link show) $(ls /run/wireguard)" >&2
exit 1
END
chmod +x "$tmp/bin/ip" "$tmp/side"

echo "# a tunnel between two NATs"
NATLAB_DIR=$tmp/lab timeout 150 "$natlab" pair sequential-cone symmetric-sequential -- \
	unshare -m "$tmp/side" a -- unshare -m "$tmp/side" b > "$tmp/log" 2>&1 ||
	fail "it ended with $?: $(cat "$tmp/log")"
cat "$tmp/log"
for side in a b; do
	grep -qE '^came [0-9a-f]{64}$' "$tmp/$side" || fail "$side got nothing: $(cat "$tmp/$side")"
done
[ "$(sed -n 's/sent //p' "$tmp/a")" = "$(sed -n 's/came //p' "$tmp/b")" ] || fail "a to b: other data"
[ "$(sed -n 's/sent //p' "$tmp/b")" = "$(sed -n 's/came //p' "$tmp/a")" ] || fail "b to a: other data"
exit "$failed"
