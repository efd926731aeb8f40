# Libraries natkit stands on. Required ones stop configure, all that are missing at once and by
# their Debian names; test ones only switch tests off.

# NATKIT_REQUIRE(VARIABLE, MODULES, DEBIAN PACKAGE)
AC_DEFUN([NATKIT_REQUIRE], [
	PKG_CHECK_MODULES([$1], [$2], [],
		[AC_MSG_RESULT([no])
		natkit_missing="$natkit_missing $3"])
])

AC_DEFUN([NATKIT_PKG_CONFIG], [
	m4_ifndef([PKG_PROG_PKG_CONFIG],
		[m4_fatal([pkg.m4 not found: install pkg-config, then run autoreconf -fi again])])
	PKG_PROG_PKG_CONFIG([0.29])
	AS_IF([test -z "$PKG_CONFIG"], [AC_MSG_ERROR([pkg-config not found: install pkg-config])])
])

# libunistring ships no pkg-config file on Debian 12.
AC_DEFUN([NATKIT_UNISTRING], [
	natkit_unistring=no
	AC_CHECK_HEADER([uninorm.h],
		[AC_CHECK_LIB([unistring], [u8_normalize], [natkit_unistring=yes])])
	AS_IF([test $natkit_unistring = no], [natkit_missing="$natkit_missing libunistring-dev"])
	AC_SUBST([UNISTRING_LIBS], [-lunistring])
])

# Optional: a stand-in says "not tried" where it is missing.
AC_DEFUN([NATKIT_MINIUPNPC], [
	AC_ARG_WITH([miniupnpc],
		[AS_HELP_STRING([--without-miniupnpc],
			[natprobe does not ask routers for UPnP port mapping])],
		[], [with_miniupnpc=check])
	have_miniupnpc=no
	AS_IF([test "x$with_miniupnpc" != xno],
		[PKG_CHECK_MODULES([MINIUPNPC], [miniupnpc >= 2.0], [have_miniupnpc=yes],
			[AC_MSG_RESULT([no])
			AS_IF([test "x$with_miniupnpc" = xyes],
				[AC_MSG_ERROR([miniupnpc is missing; on Debian: apt install libminiupnpc-dev])])])])
	AM_CONDITIONAL([MINIUPNPC], [test "x$have_miniupnpc" = xyes])
])

# NATKIT_OPTIONAL(PREFIX, NAME, SPECIFICATION, PACKAGE, HELP): a library that may be missing. Sets the
# conditional PREFIX and natkit_NAME, what the summary says of it.
AC_DEFUN([NATKIT_OPTIONAL], [
	AC_ARG_WITH([$2], [AS_HELP_STRING([--without-$2], [$5])], [], [with_$2=check])
	have_$2=no
	AS_IF([test "x$with_$2" != xno],
		[PKG_CHECK_MODULES([$1], [$3], [have_$2=yes],
			[AC_MSG_RESULT([no])
			AS_IF([test "x$with_$2" = xyes],
				[AC_MSG_ERROR([$2 is missing; on Debian: apt install $4])])])])
	AM_CONDITIONAL([$1], [test "x$have_$2" = xyes])
	AS_IF([test "x$have_$2" = xyes], [natkit_$2=on],
		[test "x$with_$2" = xno], [natkit_$2="off (--without-$2)"],
		[natkit_$2="off (install $4)"])
])

AC_DEFUN([NATKIT_LIBRARIES], [
	AC_REQUIRE([NATKIT_PKG_CONFIG])
	natkit_missing=
	NATKIT_REQUIRE([LIBEVENT],
		[libevent_core >= 2.1 libevent_extra >= 2.1 libevent_openssl >= 2.1 libevent_pthreads >= 2.1],
		[libevent-dev])
	NATKIT_REQUIRE([OPENSSL], [openssl >= 3.0], [libssl-dev])
	PKG_CHECK_MODULES([CRYPTO], [libcrypto >= 3.0], [], [AC_MSG_RESULT([no])])
	NATKIT_REQUIRE([MAXMINDDB], [libmaxminddb], [libmaxminddb-dev])
	NATKIT_REQUIRE([JANSSON], [jansson], [libjansson-dev])
	NATKIT_REQUIRE([CARES], [libcares], [libc-ares-dev])
	NATKIT_UNISTRING
	AS_IF([test -n "$natkit_missing"], [AC_MSG_ERROR([
libraries are missing or too old (config.log says which version was found). On Debian:
  apt install$natkit_missing
or let ./bootstrap install all that is needed.])])

	NATKIT_MINIUPNPC
	NATKIT_OPTIONAL([MOSQUITTO], [mosquitto], [libmosquitto >= 2.0], [libmosquitto-dev],
		[natprobe does not meet peers by MQTT brokers])
	NATKIT_OPTIONAL([SQLITE3], [sqlite3], [sqlite3 >= 3.8], [libsqlite3-dev],
		[turnd reads no users from SQLite databases])
	NATKIT_OPTIONAL([USRSCTP], [usrsctp], [usrsctp >= 0.9.3], [libusrsctp-dev],
		[natprobe makes paths, and does not carry files, pipes or services over them])
	PKG_CHECK_MODULES([CMOCKA], [cmocka], [have_cmocka=yes],
		[AC_MSG_RESULT([no]); have_cmocka=no])
	AM_CONDITIONAL([CMOCKA], [test "x$have_cmocka" = xyes])
])

AC_DEFUN([NATKIT_SUMMARY], [
	AS_IF([test "x$have_cmocka" = xyes], [natkit_tests=on],
		[natkit_tests="off (install libcmocka-dev)"])
	AS_IF([test "x$have_miniupnpc" = xyes], [natkit_upnp=miniupnpc],
		[test "x$with_miniupnpc" = xno], [natkit_upnp="off (--without-miniupnpc)"],
		[natkit_upnp="off (install libminiupnpc-dev)"])
	AS_IF([test "x$enable_sanitizers" = xno], [natkit_sanitizers="off (--enable-sanitizers)"],
		[natkit_sanitizers=$enable_sanitizers])
	AS_IF([test "x$enable_fuzzers" = xyes], [natkit_fuzzers="on, libFuzzer"],
		[natkit_fuzzers="off, seeds are replayed (--enable-fuzzers)"])
	AS_IF([test "x$enable_coverage" = xyes], [natkit_coverage=on],
		[natkit_coverage="off (--enable-coverage)"])
	AS_IF([test "x$enable_werror" = xyes], [natkit_werror=on],
		[natkit_werror="off (--enable-werror)"])
	AS_IF([test "x$natkit_batched_udp" = xyes], [natkit_udp="on (recvmmsg, sendmmsg)"],
		[test "x$enable_portable" = xyes], [natkit_udp="off (--enable-portable)"],
		[natkit_udp="off (this system has no recvmmsg)"])
	AS_IF([test "x$natkit_rtnetlink" = xyes], [natkit_interfaces="rtnetlink"],
		[natkit_interfaces="getifaddrs"])
	AC_MSG_NOTICE([
natkit $PACKAGE_VERSION
  prefix       $prefix
  compiler     $CC $CFLAGS
  hardening    $natkit_hardening
  werror       $natkit_werror
  sanitizers   $natkit_sanitizers
  fuzzers      $natkit_fuzzers
  coverage     $natkit_coverage
  batched UDP  $natkit_udp
  interfaces   $natkit_interfaces
  UPnP         $natkit_upnp
  MQTT         $natkit_mosquitto
  SCTP         $natkit_usrsctp
  user data    $natkit_sqlite3
  unit tests   $natkit_tests
])
])
