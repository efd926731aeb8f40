# Libraries natkit stands on. Required ones stop configure; test ones only switch tests off.
AC_DEFUN([NATKIT_LIBRARIES], [
	PKG_CHECK_MODULES([LIBEVENT],
		[libevent_core >= 2.1 libevent_extra >= 2.1 libevent_openssl >= 2.1 libevent_pthreads >= 2.1])
	PKG_CHECK_MODULES([OPENSSL], [openssl >= 3.0])
	PKG_CHECK_MODULES([CRYPTO], [libcrypto >= 3.0])
	PKG_CHECK_MODULES([MAXMINDDB], [libmaxminddb])
	PKG_CHECK_MODULES([JANSSON], [jansson])
	PKG_CHECK_MODULES([CARES], [libcares])

	# libunistring ships no pkg-config file on Debian 12.
	AC_CHECK_HEADER([uninorm.h], [], [AC_MSG_ERROR([uninorm.h not found: install libunistring-dev])])
	AC_CHECK_LIB([unistring], [u8_normalize], [UNISTRING_LIBS=-lunistring],
		[AC_MSG_ERROR([libunistring not found: install libunistring-dev])])
	AC_SUBST([UNISTRING_LIBS])

	PKG_CHECK_MODULES([CMOCKA], [cmocka], [have_cmocka=yes], [have_cmocka=no])
	AM_CONDITIONAL([CMOCKA], [test "x$have_cmocka" = xyes])
])

AC_DEFUN([NATKIT_SUMMARY], [
	AS_IF([test "x$have_cmocka" = xyes], [natkit_tests=on],
		[natkit_tests="off (install libcmocka-dev)"])
	AC_MSG_NOTICE([
natkit $PACKAGE_VERSION
  prefix       $prefix
  compiler     $CC
  hardening    $enable_hardening
  werror       $enable_werror
  sanitizers   $enable_sanitizers
  fuzzers      $enable_fuzzers
  coverage     $enable_coverage
  batched UDP  $natkit_batched_udp
  unit tests   $natkit_tests
])
])
