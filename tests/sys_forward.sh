#!/bin/bash
# natprobe forward: services on one side, clients on the other one. TCP with each direction's end, a
# burst of connections, UDP, and what is refused: targets that nobody allowed or where nobody listens.
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/stories.sh"
stories_begin jq socat
lab_need_sctp "$natprobe"
PATH=$bin/natprobe:$PATH
cd "$tmp" || exit 1

cat > services << 'END'
# Counts what it is sent until its end; gives it back; answers queries.
socat TCP-LISTEN:7001,bind=127.0.0.1,reuseaddr,fork EXEC:'wc -c' &
counter=$!
socat TCP-LISTEN:7002,bind=127.0.0.1,reuseaddr,fork PIPE &
echoes=$!
socat UDP-RECVFROM:5300,bind=127.0.0.1,fork EXEC:"sed -u s/query/answer/" &
names=$!
natprobe forward --code-file code --json -a localhost:7001 -a localhost:7002 -a localhost:7009 \
	-a 127.0.0.1:5300/udp 8000:localhost:8000 > there.json &
forward=$!
until [ -s done ]; do sleep 0.05; done
kill $forward $counter $echoes $names
wait $forward
true
END

cat > clients << 'END'
until [ -s there.json ]; do sleep 0.05; done
natprobe forward --code-file code --json 7001:localhost:7001 7002:localhost:7002 \
	7003:127.0.0.1:7002 7009:localhost:7009 5301:127.0.0.1:5300/udp > here.json &
forward=$!
until grep -q '"up": *true' here.json; do sleep 0.05; done

head -c 1000000 /dev/zero | socat -t 10 - TCP:127.0.0.1:7001 > count
socat -t 2 - TCP:127.0.0.1:7003 < /dev/null > other 2>&1
socat -t 2 - TCP:127.0.0.1:7009 < /dev/null > nobody 2>&1
# As resolvers do: what is lost is asked again.
for try in 1 2 3 4 5; do
	echo query | socat -t 0.7 - UDP:127.0.0.1:5301 > name
	[ ! -s name ] || break
done

for i in 0 1 2 3 4 5 6 7 8 9; do
	{ seq "$i" 10000; } | socat -t 10 - TCP:127.0.0.1:7002 > "echo-$i" &
	clients="$clients $!"
done
wait $clients

kill $forward
wait $forward
echo $? > done
END

NATLAB_DIR=$tmp/lab timeout 150 "$natlab" pair home-router cgn-block --loss 1% --delay 20ms -- \
	'sh clients' -- 'sh services' > out 2> err || fail "the pair: $(cat out err)"

is 1000000 "$(tr -d ' ' < count)" "what the service had until the client's end"
for i in 0 1 2 3 4 5 6 7 8 9; do
	seq "$i" 10000 | cmp - "echo-$i" || fail "connection $i of ten at once"
done
is 0 "$(cat ./done)" "told to end"
is answer "$(cat name)" "a datagram there and back"

# words TARGET FILE: those that it was refused by.
words() {
	jq -r --arg target "$1" 'select(.event == "fail" and .target == $target) | .word' "$2" | sort -u
}

is not-allowed "$(words 127.0.0.1:7002 here.json)" "a target that nobody allowed, here"
is not-allowed "$(words 127.0.0.1:7002 there.json)" "a target that nobody allowed, there"
is refused "$(words localhost:7009 here.json)" "a target where nobody listens"
is 11 "$(jq -r 'select(.event == "open" and .asked_by == "us" and (.target | endswith("udp") | not)) |
	.target' here.json | wc -l)" "connections that stood"
is 1000000 "$(jq -r 'select(.event == "close" and .target == "localhost:7001") | .sent' here.json)" \
	"what was counted"

for wrong in 8080:localhost 8080:localhost:0 '1:*:2' web:1:localhost:2; do
	natprobe forward code-word-of-mine "$wrong" 2> said
	is 2 $? "$wrong"
done
natprobe forward some-code-word 2> said
is 2 $? "nothing to forward"
grep -q -- --allow said || fail "no remedy: $(cat said)"
natprobe forward some-code-word --allow '*:80' 2> said
is 2 $? "a pattern"
exit "$failed"
