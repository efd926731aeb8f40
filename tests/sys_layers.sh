#!/bin/bash
# check_layers.sh finds this tree in order, and names every breach that we plant into a copy.
set -eu
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cp -r "${srcdir:-.}"/{lib,stund,turnd,natprobe,tests} "$tree"
chmod -R u+w "$tree"

"$tree/tests/check_layers.sh" "$tree"

breaches=(
	'lib/udp.c|#include "../stund/planted.h"|lib/udp.c includes ../stund/planted.h'
	'lib/udp.c|#include "natprobe/verdict.h"|lib/udp.c includes natprobe/verdict.h'
	'stund/planted.h|#include "natprobe/verdict.h"|stund/planted.h includes natprobe/verdict.h'
	'turnd/planted.h|#include "stund/planted.h"|turnd/planted.h includes stund/planted.h'
	'lib/stun_msg.c|#include "udp.h"|lib/stun_msg.c is codec or decision, and includes lib/udp.h'
	'lib/stun_msg.c|#include <event2/event.h>|includes <event2/event.h>'
	'lib/stun_msg.c|#include <openssl/evp.h>|includes <openssl/evp.h>'
	'lib/stun_attr.c|long late(void) { return time(0); }|lib/stun_attr.c is codec or decision, and calls: long late'
	'natprobe/verdict.c|#include <sys/socket.h>|includes <sys/socket.h>'
	'natprobe/verdict.c|void say(void) { puts("x"); }|natprobe/verdict.c is codec or decision, and calls: void say'
	'natprobe/planted.h|#include <syslog.h>|natprobe/planted.h includes <syslog.h>'
	'natprobe/planted.h|#include <linux/if_link.h>|natprobe/planted.h includes <linux/if_link.h>'
	'natprobe/planted.h|extern struct none planted[2];|natprobe/planted.h does not compile alone'
	'lib/planted.c|#include "udp.h"|lib/planted.c does not include its own header first'
	'lib/planted.h||'
)

for breach in "${breaches[@]}"; do
	IFS='|' read -r file line _ <<< "$breach"
	echo "$line" >> "$tree/$file"
done
if report=$("$tree/tests/check_layers.sh" "$tree"); then
	echo "FAIL: it calls a tree full of breaches sound: $report"
	exit 1
fi
for breach in "${breaches[@]}"; do
	IFS='|' read -r file line words <<< "$breach"
	if [[ $report != *"$words"* ]]; then
		printf 'FAIL: %s in %s is not named in:\n%s\n' "$line" "$file" "$report"
		exit 1
	fi
done
echo ok
