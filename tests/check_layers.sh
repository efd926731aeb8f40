#!/bin/bash
# check_layers.sh [TREE] - do the walls stand (doc/architecture.md)? Names every breach.
#
#   - lib/ includes nothing of the programs, and no program anything of another one
#   - codec and decisions (what lib/local.mk puts into libcore, natprobe/local.mk into libprobe,
#     natprobe/punch.mk, link.mk and transfer.mk into libpunch, stund/local.mk into libcoop, libpartner and librendezvous, and turnd/local.mk into libturnd_core) include each other and a few headers of the C library: no
#     libevent, no socket, no clock, and they print nothing
#   - the transport (libtransport in natprobe/link.mk) is as pure, but for OpenSSL and libusrsctp; of
#     codec and decisions none includes it
#   - only lib/log.c knows syslog; headers of Linux alone are included by *_linux.c
#   - a .c includes its own .h first, and every .h compiles alone
set -u

cd "${1:-${srcdir:-.}}" || exit 1
breaches=0

# What codec and decisions may include of the C library.
PURE=" assert.h ctype.h errno.h inttypes.h limits.h math.h stdalign.h stdarg.h stdatomic.h stdbool.h \
stddef.h stdint.h stdio.h stdlib.h string.h strings.h "

# FILE HEADER: the holes in the walls, all of them. stdio.h above is for snprintf.
EXCEPTIONS='
lib/addr.c arpa/inet.h
lib/geo.c maxminddb.h
lib/opaque.c uni*.h
lib/stun_auth.c openssl/*
natprobe/meet/kdf.c openssl/*
natprobe/meet/meet.c openssl/crypto.h
natprobe/meet/meet_channel.c openssl/crypto.h
natprobe/meet/meet_code.c openssl/crypto.h
natprobe/meet/meet_door.c openssl/crypto.h
natprobe/meet/meet_envelope.c openssl/crypto.h
natprobe/meet/meet_invite.c openssl/crypto.h
natprobe/meet/meet_seal.c openssl/*
natprobe/meet/spake2.c openssl/*
natprobe/punch/check.c openssl/crypto.h
natprobe/punch/punch.c openssl/crypto.h
natprobe/transport/assoc_state.h usrsctp.h
natprobe/transport/identity.[ch] openssl/*
natprobe/transport/secure.c openssl/*
natprobe/transport/secure_shake.c openssl/*
natprobe/transport/secure_state.h openssl/*
natprobe/transport/secure_state.h lib/dgram_bio.h
natprobe/transport/secure_context.c openssl/*
stund/coop_token.c openssl/crypto.h
stund/partner.c openssl/crypto.h
stund/partner_wire.c openssl/crypto.h
turnd/nonce.c openssl/crypto.h
turnd/quota.c pthread.h
turnd/seal.c openssl/*
turnd/ticket.c openssl/crypto.h
turnd/token.c openssl/crypto.h
turnd/users.c openssl/crypto.h
turnd/users_file.c openssl/crypto.h
turnd/users_find.c openssl/crypto.h
turnd/users_order.c openssl/crypto.h
turnd/users_timed.c openssl/crypto.h
'

# Calls that no codec or decision makes.
IMPURE='printf fprintf vprintf vfprintf puts fputs putchar perror syslog fopen open read write
time clock clock_gettime gettimeofday nanosleep usleep sleep getrandom getenv rand random srand
socket bind connect send sendto sendmsg recv recvfrom recvmsg ioctl fork'

breach() {
	echo "breach: $*"
	breaches=$((breaches + 1))
}

# sources FRAGMENT VARIABLE: the files of an automake variable, continued lines and all.
sources() {
	[ -f "$1" ] || return 0
	awk -v name="$2" '
		$1 == name && ($2 == "=" || $2 == "+=") { on = 1; sub(/^[^=]*=/, "") }
		on { more = /\\$/; sub(/\\$/, ""); print; on = more }' "$1" | xargs -n 1
}

excepted() {
	local file header

	while read -r file header; do
		# shellcheck disable=SC2053	# patterns on purpose
		[[ $1 == $file && $2 == $header ]] && return 0
	done <<< "$EXCEPTIONS"
	return 1
}

# resolve FILE HEADER: target is which file of the tree #include "HEADER" in FILE means.
resolve() {
	local dir

	for dir in "${1%/*}" lib .; do
		target=$dir/$2
		target=${target#./}
		[ ! -f "$target" ] || return
	done
	target="?$2"
}

check_own_include() {
	local file=$1 target=$2

	case ${file%%/*}:$target in
	*:\?config.h) return ;;
	*..*) breach "$file includes ${target#*/}, by a way up" ;;
	*:\?*) breach "$file includes ${target#?}, which is not in the tree" ;;
	lib:lib/* | stund:stund/* | stund:lib/* | turnd:turnd/* | turnd:lib/* | natprobe:natprobe/* | natprobe:lib/*) ;;
	*) breach "$file includes $target" ;;
	esac
	if [[ $core == *" $file "* && $core != *" $target "* ]]; then
		excepted "$file" "$target" || breach "$file is codec or decision, and includes $target, which is not"
	elif [[ $core == *" $file "* && $transport != *" $file "* && $transport == *" $target "* ]]; then
		breach "$file is codec or decision, and includes $target, which is transport"
	fi
}

check_system_include() {
	local file=$1 header=$2

	if [[ $core == *" $file "* && $PURE != *" $header "* ]]; then
		excepted "$file" "$header" || breach "$file is codec or decision, and includes <$header>"
	fi
	case $header in
	syslog.h) [ "$file" = lib/log.c ] || breach "$file includes <$header>; log lines leave through lib/log.c" ;;
	linux/*) [[ $file == *_linux.c ]] || breach "$file includes <$header>; that belongs into a *_linux.c" ;;
	esac
}

check_includes() {
	local file rest header target

	while IFS=: read -r file rest; do
		header=${rest#*[\"<]}
		header=${header%%[\">]*}
		case $rest in
		*'"'*)
			resolve "$file" "$header"
			check_own_include "$file" "$target"
			;;
		*'<config.h>'*) ;;
		*'<'*) check_system_include "$file" "$header" ;;
		esac
	done < <(grep -HE '^[[:space:]]*#[[:space:]]*include' "${files[@]}")
}

check_first_include() {
	local file line name
	local -A first=()

	while IFS=: read -r file line; do
		[[ $line == *config.h* || -n ${first[$file]:-} ]] || first[$file]=$line
	done < <(grep -HE '^#include' "${files[@]}")
	for file in "${files[@]}"; do
		[[ $file == *.c && -f ${file%.c}.h ]] || continue
		name=${file##*/}
		[[ ${first[$file]:-} == *"\"${name%.c}.h\""* ]] || breach "$file does not include its own header first"
	done
}

# each FUNCTION FILE...: on all processors; a line that it prints about a file is a breach.
each() {
	local line

	export -f "${1?}"
	# shellcheck disable=SC2016	# the program's shell expands it
	while read -r line; do
		breach "$line"
	done < <(printf '%s\n' "${@:2}" |
		xargs -P "$(nproc)" -n 8 bash -c 'for file in "${@:2}"; do "$1" "$file"; done' each "$1")
}

# Comments and strings may say what they like.
calls() {
	local call

	"${CC:-cc}" -fpreprocessed -E -P -x c "$1" 2> /dev/null | sed 's/"[^"]*"//g' | grep -E "$pattern" |
		while read -r call; do
			echo "$1 is codec or decision, and calls: $call"
		done
}

check_calls() {
	local file found=()

	export pattern="(^|[^A-Za-z0-9_.>])(${IMPURE//[[:space:]]/|})[[:space:]]*\\("
	for file in $core; do
		[ ! -f "$file" ] || found+=("$file")
	done
	each calls "${found[@]}"
}

alone() {
	# shellcheck disable=SC2086	# CPPFLAGS are words
	"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -I. -Ilib ${CPPFLAGS:-} -x c -fsyntax-only "$1" 2>&1 |
		grep -E 'error' | head -n 1 | grep -q . && echo "$1 does not compile alone"
}

check_headers_alone() {
	local file headers=()

	for file in "${files[@]}"; do
		[[ $file != *.h ]] || headers+=("$file")
	done
	each alone "${headers[@]}"
}

shopt -s nullglob
files=(lib/*.[ch] stund/*.[ch] turnd/*.[ch] turnd/*/*.[ch] natprobe/*.[ch] natprobe/*/*.[ch])
transport=" $(sources natprobe/link.mk natprobe_libtransport_a_SOURCES | xargs) "
core="$transport$(sources lib/local.mk lib_libcore_a_SOURCES | xargs) $(
	sources natprobe/local.mk natprobe_libprobe_a_SOURCES | xargs) $(
	sources natprobe/punch.mk natprobe_libpunch_a_SOURCES | xargs) $(
	sources natprobe/link.mk natprobe_libpunch_a_SOURCES | xargs) $(
	sources natprobe/transfer.mk natprobe_libpunch_a_SOURCES | xargs) $(
	sources stund/local.mk stund_libcoop_a_SOURCES | xargs) $(
	sources stund/local.mk stund_libpartner_a_SOURCES | xargs) $(
	sources stund/local.mk stund_librendezvous_a_SOURCES | xargs) $(
	sources turnd/local.mk turnd_libturnd_core_a_SOURCES | xargs) "

check_includes
check_first_include
check_calls
check_headers_alone
[ "$breaches" = 0 ] || { echo "$breaches breaches"; exit 1; }
echo "the walls stand: ${#files[@]} files, $(wc -w <<< "$core") of them codec or decision"
