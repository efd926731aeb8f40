#!/bin/bash
# natprobe send and receive between NATs of natlab, at 40 ms and 1 % loss: what is killed at half, on
# either side, or loses its path, goes on and is right at the end; over a link that runs; what is refused, and how.
#
#	sys_transfer.sh                what CI has time for
#	sys_transfer.sh --full         a sparse file of 5 GiB as well (NATKIT_FULL=1)
set -u
. "${srcdir:-.}/tests/lab/lab.sh"
. "${srcdir:-.}/tests/lab/stories.sh"
stories_begin jq openssl
lab_need_sctp "$natprobe"
full=${NATKIT_FULL:-0}
[ "${1:-}" != --full ] || full=1

# side WHO: what a side does in a story, in the story's folder.
cat > "$tmp/common.sh" << 'PROGRAM'
export XDG_RUNTIME_DIR=$PWD/run-$1 XDG_STATE_HOME=$PWD/state-$1
mkdir -p "$XDG_RUNTIME_DIR" taken
code=my-own-long-code
one() {
	if [ "$1" = a ]; then
		exec "$natprobe" send --json "$code" big
	else
		exec "$natprobe" receive --json --yes "$code" -o taken
	fi
}
got() { stat -c %s taken/.big.natprobe-part 2> /dev/null || echo 0; }
# until_there FILE...: 20 seconds at most.
until_there() {
	for _ in {1..600}; do
		[ -e "$1" ] && return
		sleep 0.05
	done
	echo "$1 did not come"
}
PROGRAM

# killed WHO: that side is killed at half of 16 MB, and the other one is ended; both begin again.
cat > "$tmp/killed.sh" << 'PROGRAM'
. "$tmp/common.sh"
one "$1" > "$1.first" 2>&1 & pid=$!
if [ "$1" = "$2" ]; then
	until [ "$(got)" -ge 8000000 ] || ! kill -0 "$pid" 2> /dev/null; do sleep 0.02; done
	kill -KILL "$pid"
	got > killed
else
	until_there killed
	kill -TERM "$pid"
fi
wait "$pid" 2> /dev/null
echo "$?" > "$1.status"
one "$1" > "$1.second" 2>&1
PROGRAM

# ended WHO: that side is ended at half of 16 MB, and the other one hears of it; both begin again.
cat > "$tmp/ended.sh" << 'PROGRAM'
. "$tmp/common.sh"
one "$1" > "$1.first" 2>&1 & pid=$!
if [ "$1" = "$2" ]; then
	until [ "$(got)" -ge 8000000 ] || ! kill -0 "$pid" 2> /dev/null; do sleep 0.02; done
	kill -TERM "$pid"
	got > ended
fi
wait "$pid"
echo "$?" > "$1.status"
one "$1" > "$1.second" 2>&1
PROGRAM

# moved WHO EVENT: a NAT is rebooted at half, or gets another address, and all that went through it is lost.
cat > "$tmp/moved.sh" << 'PROGRAM'
. "$tmp/common.sh"
one "$1" > "$1.second" 2>&1 & pid=$!
if [ "$1" = a ]; then
	until [ "$(got)" -ge 8000000 ] || ! kill -0 "$pid" 2> /dev/null; do sleep 0.02; done
	"$natlab" event nat-a "$2"
fi
wait "$pid"
PROGRAM

# link WHO: a link runs, and two transfers go over it, one of them into a directory that is there.
cat > "$tmp/link.sh" << 'PROGRAM'
. "$tmp/common.sh"
"$natprobe" link --quiet "$code" > "link.$1" 2>&1 & link=$!
until_there "$XDG_RUNTIME_DIR/natprobe/default"
if [ "$1" = a ]; then
	"$natprobe" send --quiet tree single || echo "tree: $?"
	"$natprobe" send --quiet single > again 2>&1
	echo "$?" > again.status
	until_there over
else
	"$natprobe" receive --yes --quiet -o taken > first.b 2>&1 || echo "tree: $?"
	echo other > taken/single
	"$natprobe" receive --yes --quiet -o taken > again.b 2>&1
	echo "$?" > again.b.status
	touch over
fi
sleep 0.3
kill "$link"
wait "$link"
true
PROGRAM

# made WHO: without a code, and without a link, the sender makes one, which is typed on the other side.
cat > "$tmp/made.sh" << 'PROGRAM'
. "$tmp/common.sh"
if [ "$1" = a ]; then
	"$natprobe" send --json single > a.second 2>&1
else
	until_there a.second
	until code=$(head -n 1 a.second | jq -r .code) && [ -n "$code" ]; do sleep 0.05; done
	"$natprobe" receive --json --yes -o taken "$code" > b.second 2>&1
fi
PROGRAM

# sparse WHO: 5 GiB of which nearly nothing is stored.
cat > "$tmp/sparse.sh" << 'PROGRAM'
. "$tmp/common.sh"
one "$1" > "$1.second" 2>&1
PROGRAM

# prepare WHAT: in the folder of a story, what is sent.
prepare() {
	case $1 in
	big)
		head -c 16777216 /dev/urandom > big
		chmod 640 big
		touch -d '2001-02-03 04:05:06.789' big
		;;
	tree)
		mkdir -p "tree/sub dir/empty"
		echo text > "tree/sub dir/a"
		head -c 300000 /dev/urandom > $'tree/\xff\\ name'
		ln -s /etc/passwd tree/link
		truncate -s 8M tree/sparse
		: > tree/empty
		chmod 4755 tree/empty
		chmod 700 "tree/sub dir"
		echo alone > single
		touch -d 2002-01-01 tree/sub\ dir
		;;
	sparse)
		truncate -s 5G big
		echo middle | dd of=big bs=1M seek=3000 conv=notrunc status=none
		;;
	esac
}

# transfer NAME SCRIPT ARGUMENT WHAT PROFILES...: a story of what both sides do by that script.
transfer() {
	mkdir "$tmp/$1"
	(cd "$tmp/$1" && prepare "$4") || fail "$1: nothing to send"
	story "$1" "${@:5}" -- "bash $tmp/$2.sh a $3" -- "bash $tmp/$2.sh b $3"
}

# has FILE FILTER: a line of JSON for which it is true.
has() {
	jq -se "any(.[]; $2)" "$1" > /dev/null || fail "$1 has nothing with $2: $(tail -n 3 "$1")"
}

# with_status FILE STATUS TEXT: both, of a command that wrote to FILE.first.
with_status() {
	[ "$(cat "$tmp/$1.status")" = "$2" ] || fail "$1 ended with $(cat "$tmp/$1.status"), not $2"
	grep -q "$3" "$tmp/$1.first" || fail "$1 does not say \"$3\": $(tail -n 3 "$tmp/$1.first")"
}

# sha256 FILE: by somebody else's hand.
sha256() {
	openssl dgst -r -sha256 "$1" | sed 's/ .*//'
}

same() {
	local sum

	[ "$(stat -c '%a %Y %y' "$tmp/$1/big")" = "$(stat -c '%a %Y %y' "$tmp/$1/taken/big")" ] ||
		fail "$1: mode or time are others"
	[ "$(ls -A "$tmp/$1/taken")" = big ] || fail "$1: something is left in $(ls -A "$tmp/$1/taken")"
	sum=$(sha256 "$tmp/$1/big")
	[ "$sum" = "$(sha256 "$tmp/$1/taken/big")" ] || fail "$1: what came is something else"
	has "$tmp/$1/b.second" ".event == \"file-end\" and .sha256 == \"$sum\""
	has "$tmp/$1/a.second" ".event == \"done\" and .files == 1 and .checksums"
}

# ended_early COMMAND...: by SIGTERM, as soon as that is waited for, while it looks at its network.
ended_early() {
	local pid caught i

	"$natprobe" "$1" --server stun:127.0.0.1:9 --rendezvous http://127.0.0.1:9/ "${@:2}" early-long-code \
		< /dev/null > "$tmp/early.$1" 2>&1 & pid=$!
	for i in {1..600}; do
		# Of natprobe: the shell that is about to become it catches signals as well.
		caught=$(sed -n '/^Name:/{/natprobe/!q};s/^SigCgt:[[:space:]]*//p' "/proc/$pid/status" 2> /dev/null)
		(( 0x${caught:-0} & 0x4000 )) && break
		sleep 0.05
	done
	kill -TERM "$pid"
	wait "$pid"
	i=$?
	# Without a rendezvous it may have ended before.
	[ "$i" = 4 ] || [ "$i $(grep -c 'no rendezvous' "$tmp/early.$1")" = "3 1" ] ||
		fail "$1, ended before it met anybody, ended with $i: $(cat "$tmp/early.$1")"
}

# What needs no other side.
refused() {
	local out

	out=$("$natprobe" receive "$1" < /dev/null 2>&1)
	[ "$? $(grep -c -- --yes <<< "$out")" = "2 1" ] || fail "without a terminal: $out"
	out=$("$natprobe" send "$1" "$tmp/nowhere" 2>&1)
	[ "$? $(grep -c 'nowhere: No such file' <<< "$out")" = "1 1" ] || fail "no such file: $out"
	out=$("$natprobe" send 2>&1)
	[ "$? $(grep -c 'which files' <<< "$out")" = "2 1" ] || fail "no file: $out"
	out=$("$natprobe" receive --yes -o "$tmp/nowhere" "$1" 2>&1)
	[ "$? $(grep -c -- --output <<< "$out")" = "1 1" ] || fail "no directory: $out"
}

way=(--delay 10ms --loss 0.5% home-router home-router)
transfer sender killed a big "${way[@]}"
transfer receiver killed b big "${way[@]}"
transfer ended ended b big "${way[@]}"
transfer rebooted moved reboot big "${way[@]}"
transfer moved moved new-address big --delay 10ms --loss 0.5% restricted-cone symmetric-random
transfer made made - tree open-internet home-router
transfer link link - tree --delay 10ms home-router home-router
refused some-long-code
ended_early punch
ended_early link
ended_early receive --yes
ended_early pipe
ended_early forward --allow localhost:1

for name in sender receiver; do
	ended "$name" 0
	same "$name"
	[ "$(cat "$tmp/$name/killed")" -lt 16777216 ] || fail "$name was killed too late"
	has "$tmp/$name/b.second" '.event == "done" and .kept >= 8000000'
done
with_status sender/b 1 'it was interrupted; run both sides'
with_status receiver/a 1 'it was interrupted; run both sides'
ended ended 0
same ended
[ "$(cat "$tmp/ended/ended")" -lt 16777216 ] || fail "ended: too late"
with_status ended/b 1 'receive: it was interrupted; run both sides'
with_status ended/a 1 'send: the other side says: it was interrupted; run both sides'

ended link 0
! grep -h . "$tmp/link"/{out,err} || fail "link: something was said"
cd "$tmp/link" || exit 1
chmod 755 tree/empty
diff -r --exclude=link tree taken/tree || fail "link: the trees are not the same"
diff <(cd tree && find . ! -name link -printf '%p %m %s %T@\n' | sort) \
	<(cd taken/tree && find . ! -name link -printf '%p %m %s %T@\n' | sort) || fail "link: modes or times are others"
[ "$(stat -c %b taken/tree/sparse)" -lt 1000 ] || fail "link: the sparse file is not sparse"
[ "$(cat again.status again.b.status | tr '\n' ' ')" = "1 1 " ] || fail "link: a clash: $(cat again.status again.b.status)"
grep -q 'single exists' again.b || fail "link: the clash is not named: $(cat again.b)"
grep -q 'says: .*single.*--force' again || fail "link: the sender does not hear of it: $(cat again)"
[ "$(cat taken/single)" = other ] || fail "link: what was there was overwritten"

ended made 0
[ "$(cat "$tmp/made/taken/single")" = alone ] || fail "made: it did not come"
has "$tmp/made/b.second" '.event == "done" and .files == 1'

ended rebooted 0
same rebooted
ended moved 0
same moved
has "$tmp/moved/a.second" '[.event, .up] == ["path", false]'
has "$tmp/moved/a.second" '.event == "done" and .kept == 0'

if [ "$full" = 1 ]; then
	transfer sparse sparse - sparse open-internet open-internet
	ended sparse 0
	same sparse
	[ "$(stat -c %b "$tmp/sparse/taken/big")" -lt 1000 ] || fail "sparse: it is not sparse any more"
fi
[ "$failed" = 0 ] && echo "killed on either side, or on another path, and right at the end; over a link; refused in words"
exit "$failed"
