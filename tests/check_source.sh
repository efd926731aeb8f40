#!/bin/bash
# check_source.sh - what no source of ours may call.
set -u

cd "${srcdir:-.}" || exit 1
faults=0

# calls_none WHY WORDS FILE...: none of these files calls one of WORDS, an expression.
calls_none() {
	local found

	found=$(grep -nE "(^|[^A-Za-z_0-9.>])($2)\(" "${@:3}")
	[ -z "$found" ] && return
	echo "$1:"
	echo "$found"
	faults=$((faults + 1))
}

mapfile -t all < <(find lib stund turnd natprobe -name '*.[ch]' | sort)
[ "${#all[@]}" -gt 100 ] || { echo "no sources here"; exit 1; }

echo "# secrets are compared in constant time"
calls_none "use CRYPTO_memcmp" 'memcmp|strcmp|strncmp|timingsafe_bcmp' lib/stun_auth.c \
	lib/dtls_cookie.c turnd/auth.c turnd/nonce.c turnd/seal.c turnd/ticket.c turnd/token.c \
	turnd/users_timed.c

echo "# random numbers come from the system"
calls_none "use RAND_bytes or getrandom" \
	's?rand|s?random|rand_r|random_r|[dejlmn]rand48|s?rand48|RAND_pseudo_bytes' "${all[@]}"

echo "# no shell, no program, no SQL made of pieces"
# But the one that the user of natprobe connect names, and that without a shell.
mapfile -t others < <(printf '%s\n' "${all[@]}" | grep -vx natprobe/pair/handover.c)
calls_none "start no program" 'system|popen|exec[lv]p?e?|fexecve|posix_spawnp?|wordexp' "${others[@]}"
calls_none "start no shell" 'system|popen|exec[lv]p?e?|wordexp' natprobe/pair/handover.c
calls_none "bind values" 'sqlite3_(exec|mprintf|vmprintf|snprintf|get_table)' "${all[@]}"

echo "# nothing is copied without a bound"
calls_none "say how much fits" 'strcpy|strcat|sprintf|vsprintf|gets|alloca|strtok' "${all[@]}"

echo "# formats are in the source"
grep -q -- '-Wformat=2' m4/natkit_flags.m4 || { echo "-Wformat=2 is off"; faults=$((faults + 1)); }

[ "$faults" = 0 ] || exit 1
echo "ok: ${#all[@]} files"
